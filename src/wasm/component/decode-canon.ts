/**
 * Decodes canonical definitions: how functions and resources cross between core modules and components.
 *
 * What belongs to the asynchronous ABI of WASI 0.3 is refused by name.
 *
 * @see https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md#canonical-definitions
 */

import type { WasmReader } from "../reader.ts";
import type { CanonOptions, Definition, StringEncoding } from "./component.ts";

const REFUSED: Readonly<Record<number, string>> = {
  5: "task.cancel",
  6: "subtask.cancel",
  7: "resource.drop async",
  8: "backpressure.set",
  9: "task.return",
  10: "context.get",
  11: "context.set",
  12: "thread.yield",
  13: "subtask.drop",
  14: "stream.new",
  15: "stream.read",
  16: "stream.write",
  17: "stream.cancel-read",
  18: "stream.cancel-write",
  19: "stream.drop-readable",
  20: "stream.drop-writable",
  21: "future.new",
  22: "future.read",
  23: "future.write",
  24: "future.cancel-read",
  25: "future.cancel-write",
  26: "future.drop-readable",
  27: "future.drop-writable",
  28: "error-context.new",
  29: "error-context.debug-message",
  30: "error-context.drop",
  31: "waitable-set.new",
  32: "waitable-set.wait",
  33: "waitable-set.poll",
  34: "waitable-set.drop",
  35: "waitable.join",
  36: "backpressure.inc",
  37: "backpressure.dec",
  38: "thread.index",
  39: "thread.new-indirect",
  40: "thread.switch-to",
  41: "thread.suspend",
  42: "thread.resume-later",
  43: "thread.yield-to",
  64: "thread.spawn-ref",
  65: "thread.spawn-indirect",
  66: "thread.available-parallelism",
};

const REFUSED_OPTIONS: Readonly<Record<number, string>> = {
  6: "async",
  7: "callback",
  8: "core-type",
  9: "gc",
};

const ENCODINGS: readonly StringEncoding[] = ["utf8", "utf16", "latin1+utf16"];

/** One entry of the canon section. */
export function readCanon(reader: WasmReader): Definition {
  const code = reader.u8();
  switch (code) {
    case 0x00:
      if (reader.u8() !== 0x00) reader.fail("a lift has an unknown form");
      return { kind: "lift", core: reader.u32(), options: readOptions(reader), type: reader.u32() };
    case 0x01:
      if (reader.u8() !== 0x00) reader.fail("a lower has an unknown form");
      return { kind: "lower", func: reader.u32(), options: readOptions(reader) };
    case 0x02:
      return { kind: "resource", does: "new", type: reader.u32() };
    case 0x03:
      return { kind: "resource", does: "drop", type: reader.u32() };
    case 0x04:
      return { kind: "resource", does: "rep", type: reader.u32() };
    default: {
      const name = REFUSED[code] ?? `0x${code.toString(16)}`;
      return reader.fail(`the built-in function ${name} is not supported`);
    }
  }
}

function readOptions(reader: WasmReader): CanonOptions {
  const options: { -readonly [K in keyof CanonOptions]: CanonOptions[K] } = { encoding: "utf8" };
  const seen = new Set<string>();
  const once = (what: string) => (seen.has(what) ? reader.fail(`the option ${what} is there twice`) : seen.add(what));
  reader.list(() => {
    const code = reader.u8();
    const encoding = ENCODINGS[code];
    if (encoding !== undefined) {
      once("encoding");
      options.encoding = encoding;
    } else if (code === 0x03) {
      once("memory");
      options.memory = reader.u32();
    } else if (code === 0x04) {
      once("realloc");
      options.realloc = reader.u32();
    } else if (code === 0x05) {
      once("post-return");
      options.postReturn = reader.u32();
    } else {
      reader.fail(`the option ${REFUSED_OPTIONS[code] ?? `0x${code.toString(16)}`} is not supported`);
    }
  });
  return options;
}
