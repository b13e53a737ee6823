/**
 * WASI preview 1 in JavaScript, for programs that read standard input and write standard output: Workers and Node have
 * none of their own. There are no files, no sockets and no waiting; what a program imports beyond this says that it is
 * not supported.
 */

/** What a program is started with. */
export interface ProgramInput {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: Uint8Array;
}

/** What it left. */
export interface ProgramOutput {
  readonly exitCode: number;
  readonly stdout: Uint8Array<ArrayBuffer>;
  readonly stderr: string;
}

/** What a program may write to one stream. */
const MAX_OUTPUT_BYTES = 64 * 2 ** 20;

const SUCCESS = 0;
const BAD_DESCRIPTOR = 8;
const NOT_SUPPORTED = 52;
const NO_SEEK = 70;
const CHARACTER_DEVICE = 2;

/** How `proc_exit` leaves the program. */
class Exit extends Error {
  readonly code: number;

  constructor(code: number) {
    super(`exit code ${code}`);
    this.code = code;
  }
}

/** Runs a program, a command with `_start`, to its end in a fresh instance. Throws what it traps with. */
export function runProgram(module: WebAssembly.Module, input: ProgramInput): ProgramOutput {
  const outputs = { 1: new Pieces(), 2: new Pieces() };
  const functions = createFunctions(input, outputs, () => memory);
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    imports[from] ??= {};
    imports[from][name] = functions[name] ?? (() => NOT_SUPPORTED);
  }
  const { exports } = new WebAssembly.Instance(module, imports);
  const memory = exports.memory as WebAssembly.Memory;
  const exitCode = run(exports._start as () => void);
  return { exitCode, stdout: outputs[1].join(), stderr: new TextDecoder().decode(outputs[2].join()) };
}

function run(start: () => void): number {
  try {
    start();
    return 0;
  } catch (thrown) {
    if (thrown instanceof Exit) return thrown.code;
    throw thrown;
  }
}

/** Bytes that come in pieces. */
export class Pieces {
  readonly #pieces: Uint8Array[] = [];
  #bytes = 0;

  /** How many there are. */
  get byteLength(): number {
    return this.#bytes;
  }

  push(piece: Uint8Array): void {
    this.#bytes += piece.byteLength;
    this.#pieces.push(piece);
  }

  /** All of them as one. */
  join(): Uint8Array<ArrayBuffer> {
    const whole = new Uint8Array(this.#bytes);
    let at = 0;
    for (const piece of this.#pieces) {
      whole.set(piece, at);
      at += piece.byteLength;
    }
    return whole;
  }
}

type Functions = Readonly<Record<string, (...args: never[]) => number>>;

/** What it imports. Memory may move whenever it grows: it is looked up at each call. */
function createFunctions(
  { args, env, stdin }: ProgramInput,
  outputs: Readonly<Record<number, Pieces>>,
  getMemory: () => WebAssembly.Memory,
): Functions {
  let readTo = 0;
  const view = () => new DataView(getMemory().buffer);
  const bytes = (at: number, length: number) => new Uint8Array(getMemory().buffer, at, length);
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);

  /** The pieces of memory that a list of (address, length) pairs names. */
  const pieces = (list: number, count: number) => {
    const memory = view();
    return Array.from({ length: count }, (_, i) =>
      bytes(memory.getUint32(list + 8 * i, true), memory.getUint32(list + 8 * i + 4, true)),
    );
  };

  const toTexts = (texts: readonly string[]) => {
    const encoded = texts.map((text) => new TextEncoder().encode(`${text.replaceAll("\0", "")}\0`));
    return {
      sizes: (countAt: number, bytesAt: number) => {
        view().setUint32(countAt, encoded.length, true);
        view().setUint32(
          bytesAt,
          encoded.reduce((sum, { byteLength }) => sum + byteLength, 0),
          true,
        );
        return SUCCESS;
      },
      get: (list: number, at: number) => {
        let [entry, to] = [list, at];
        for (const text of encoded) {
          view().setUint32(entry, to, true);
          bytes(to, text.byteLength).set(text);
          entry += 4;
          to += text.byteLength;
        }
        return SUCCESS;
      },
    };
  };
  const [given, named] = [toTexts(args), toTexts(variables)];

  return {
    args_sizes_get: given.sizes,
    args_get: given.get,
    environ_sizes_get: named.sizes,
    environ_get: named.get,
    proc_exit: (code: number) => {
      throw new Exit(code);
    },
    fd_read: (descriptor: number, list: number, count: number, readAt: number) => {
      if (descriptor !== 0) return BAD_DESCRIPTOR;
      const before = readTo;
      for (const piece of pieces(list, count)) {
        const part = stdin.subarray(readTo, readTo + piece.byteLength);
        piece.set(part);
        readTo += part.byteLength;
      }
      view().setUint32(readAt, readTo - before, true);
      return SUCCESS;
    },
    fd_write: (descriptor: number, list: number, count: number, writtenAt: number) => {
      const output = outputs[descriptor];
      if (output === undefined) return BAD_DESCRIPTOR;
      let written = 0;
      for (const piece of pieces(list, count)) {
        output.push(piece.slice());
        written += piece.byteLength;
        if (output.byteLength > MAX_OUTPUT_BYTES) throw new Error("The program writes too much");
      }
      view().setUint32(writtenAt, written, true);
      return SUCCESS;
    },
    fd_fdstat_get: (descriptor: number, at: number) => {
      if (descriptor > 2) return BAD_DESCRIPTOR;
      bytes(at, 24).fill(0);
      view().setUint8(at, CHARACTER_DEVICE);
      return SUCCESS;
    },
    fd_seek: () => NO_SEEK,
    fd_close: () => SUCCESS,
    fd_prestat_get: () => BAD_DESCRIPTOR,
    random_get: (at: number, length: number) => {
      // No more than 65 536 bytes are given at once.
      for (let done = 0; done < length; done += 65_536) {
        crypto.getRandomValues(bytes(at + done, Math.min(65_536, length - done)) as Uint8Array<ArrayBuffer>);
      }
      return SUCCESS;
    },
    clock_time_get: (_clock: number, _precision: bigint, at: number) => {
      view().setBigUint64(at, BigInt(Date.now()) * 1_000_000n, true);
      return SUCCESS;
    },
    sched_yield: () => SUCCESS,
  };
}
