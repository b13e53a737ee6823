/**
 * Takes the add-on that came with the process, and then gives up the right to load another.
 *
 * A guest process has no file system: the host hands it the file as an open descriptor, as it does with the Node binary.
 * Whatever comes of it, no permission that Node has a name for is left afterwards, so that nothing which a guest brings
 * can load code of its own.
 * @see https://nodejs.org/docs/latest-v26.x/api/permissions.html
 */

/** Machine code as bytes and back, and memory images that are mapped instead of copied: addon.cc says more. */
export interface Addon {
  /** What V8 has optimised of a module so far; `undefined` when that is nothing. */
  serialize(module: WebAssembly.Module): Uint8Array | undefined;
  /**
   * The module with its machine code, at once. `undefined` when the code is of another module or damaged, or when V8
   * refuses it, because its version, its flags or the processor are others: compile the module then.
   */
  deserialize(wireBytes: Uint8Array, code: Uint8Array): WebAssembly.Module | undefined;
  /**
   * A copy of the bytes that never changes: what memories hold from byte `at`, a multiple of 65536, on. Zeros follow up
   * to the next such multiple. Takes a descriptor until it is closed. Throws the system's error when there is no room.
   */
  createImage(bytes: Uint8Array, at: number): number;
  /** The memory shows the image, and only ever this one. When this throws the system's error, drop the memory. */
  mapImage(image: number, memory: WebAssembly.Memory): void;
  /**
   * Every byte is as the image says, and zero where there is none. Costs a microsecond or two and what it takes to write
   * the pages that were written before; these stay in place, up to 4 MiB. When this throws, drop the memory.
   */
  resetMemory(memory: WebAssembly.Memory): void;
  /** Gives the image's descriptor back. Memories that show it go on doing so. */
  closeImage(image: number): void;
}

const FUNCTIONS = ["serialize", "deserialize", "createImage", "mapImage", "resetMemory", "closeImage"];

/** Of Node's permission model: all that can be granted on a command line. */
const SCOPES = ["addon", "child", "ffi", "fs", "inspector", "net", "wasi", "worker"];

/** Loads what the descriptor `fd` holds, once per process. The reason instead where there is nothing or it does not fit. */
export function loadAddon(fd: number): Addon | { readonly reason: string } {
  const module: { exports: unknown } = { exports: {} };
  try {
    process.dlopen(module, `/proc/self/fd/${fd}`);
  } catch (thrown) {
    return { reason: `it cannot be loaded: ${thrown instanceof Error ? thrown.message : String(thrown)}` };
  } finally {
    for (const scope of SCOPES) process.permission?.drop(scope);
  }
  return isAddon(module.exports) ? module.exports : { reason: "it is the add-on of another version" };
}

function isAddon(value: unknown): value is Addon {
  if (typeof value !== "object" || value === null) return false;
  const entries = new Map(Object.entries(value));
  return FUNCTIONS.every((name) => typeof entries.get(name) === "function");
}
