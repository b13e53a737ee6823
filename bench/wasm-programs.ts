/**
 * The Wasm programs that are measured: those of `functions/` as they stand, and some made here for one question each.
 *
 * What a build would do to them (snapshot, optimise) is done here by the same tools, so that a program can be measured
 * with and without it.
 */

import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import binaryen from "binaryen";
import { type FindTool, findInstalledTool } from "../src/build/tools.ts";
import { runWasmTool } from "../src/build/wasm-tool.ts";
import { DEFAULT_WASI, type ProofRequest } from "../src/model/function.ts";
import { systemClock } from "../src/model/ports.ts";
import { concatBytes, toName, toSection, toU32 } from "../src/wasm/writer.ts";

/** A module or component, and what it is asked. */
export interface WasmProgram {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly kind: "wasi-p1" | "component";
  readonly proof: readonly ProofRequest[];
}

const FUNCTIONS_DIR = join(import.meta.dirname, "..", "functions");
const FIXTURES_DIR = join(import.meta.dirname, "fixtures");
const TOOL_MS = 60_000;
/** What V8 takes without being told; all of it is in Node 26. */
const FEATURES = ["bulk-memory", "sign-ext", "nontrapping-float-to-int", "mutable-globals", "multivalue", "simd"];

/** A committed program of `functions/`, asked for its root unless something else says more. */
export function readFunction(name: string, proof: readonly ProofRequest[] = DEFAULT_WASI.proof): WasmProgram {
  return { ...readProgram(join(FUNCTIONS_DIR, name, `${name}.wasm`)), name, proof };
}

/** Any program, by its path. */
export function readProgram(path: string): WasmProgram {
  const bytes = readFileSync(path);
  // The four bytes after the magic number: version 1 of a core module, or the layer of components.
  const kind = bytes.readUInt16LE(6) === 0 ? "wasi-p1" : "component";
  return { name: basename(path, ".wasm"), bytes, kind, proof: DEFAULT_WASI.proof };
}

/** The component that is measured through HTTP: written in C, one short line for an answer. */
export const COMPONENT = {
  file: join(FUNCTIONS_DIR, "stream-component/stream-component.wasm"),
  path: "/?n=1&delay=0",
  read: (): WasmProgram => readFunction("stream-component", [{ method: "GET", path: "/?n=1&delay=0" }]),
} as const;

/** 1.6 MB that are filled at the build, or without Wizer at each request. */
export function assembleLargeSnapshot(): WasmProgram {
  const module = binaryen.parseText(readFileSync(join(FIXTURES_DIR, "large-snapshot.wat"), "utf8"));
  try {
    return { name: "1.6 MB snapshot", bytes: module.emitBinary(), kind: "wasi-p1", proof: DEFAULT_WASI.proof };
  } finally {
    module.dispose();
  }
}

/** What Wizer makes of it. Throws when it is not installed, or refuses. */
export async function snapshot(program: WasmProgram): Promise<WasmProgram> {
  const bytes = await runWasm("wizer", program.bytes, ({ input, output }) => [
    input,
    "-o",
    output,
    "--allow-wasi",
    "--wasm-bulk-memory",
    "true",
  ]);
  return { ...program, bytes };
}

/** What `wasm-opt -O3` makes of it. Throws as `snapshot` does. */
export async function optimise(program: WasmProgram): Promise<WasmProgram> {
  const features = FEATURES.map((name) => `--enable-${name}`);
  const bytes = await runWasm("wasm-opt", program.bytes, ({ input, output }) => [
    "-O3",
    ...features,
    input,
    "-o",
    output,
  ]);
  return { ...program, bytes };
}

async function runWasm(
  name: Parameters<FindTool>[0],
  input: Uint8Array,
  toArgs: Parameters<typeof runWasmTool>[1]["toArgs"],
): Promise<Uint8Array> {
  const tool = await findInstalledTool(name);
  if (tool === undefined) throw new Error(`Cannot run ${name}: it is not installed`);
  const { signal } = new AbortController();
  const result = await runWasmTool(tool, { input, toArgs, timeoutMs: TOOL_MS, signal, clock: systemClock });
  if ("failure" in result) throw new Error(`Cannot run ${name}: ${result.failure}`);
  return result.bytes;
}

/** The same program under another digest: a custom section tells them apart. */
export function vary(program: WasmProgram, name: string): WasmProgram {
  const section = toSection(0, concatBytes([toName("variant"), toName(name)]));
  return { ...program, name, bytes: concatBytes([program.bytes, section]) };
}

/** Of the bodies of a large module. */
const STEPS_PER_FUNCTION = 60;

/**
 * A program of about so many bytes of code, as an interpreter is: many functions, of which a request needs few.
 * It says hello after it has called one in a hundred.
 */
export function generateLarge(bytes: number): WasmProgram {
  const body = toWork();
  const count = Math.round(bytes / body.byteLength);
  const hello = new TextEncoder().encode("Hello, world\n");
  const called = Array.from({ length: Math.ceil(count / 100) }, (_, at) => [
    ...[0x41, 0x07, 0x10],
    ...toU32(2 + at * 100),
    0x1a,
  ]).flat();
  const print = [...setWord(0, 256), ...setWord(4, hello.byteLength)];
  const write = [0x41, 0x01, 0x41, 0x00, 0x41, 0x01, 0x41, 0x08, 0x10, 0x00, 0x1a];
  const start = toBody(0, [...called, ...print, ...write]);
  return {
    name: `generated, ${(bytes / 1e6).toFixed(0)} MB`,
    kind: "wasi-p1",
    proof: DEFAULT_WASI.proof,
    bytes: concatBytes([
      Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00),
      // fd_write; _start; one number to another
      toSection(1, Uint8Array.of(3, 0x60, 4, 0x7f, 0x7f, 0x7f, 0x7f, 1, 0x7f, 0x60, 0, 0, 0x60, 1, 0x7f, 1, 0x7f)),
      toSection(
        2,
        concatBytes([Uint8Array.of(1), toName("wasi_snapshot_preview1"), toName("fd_write"), new Uint8Array(2)]),
      ),
      toSection(3, concatBytes([toU32(count + 1), Uint8Array.of(1), new Uint8Array(count).fill(2)])),
      toSection(5, Uint8Array.of(1, 0, 1)),
      toSection(
        7,
        concatBytes([Uint8Array.of(2), toName("memory"), Uint8Array.of(2, 0), toName("_start"), Uint8Array.of(0, 1)]),
      ),
      toSection(10, concatBytes([toU32(count + 1), start, ...Array.from({ length: count }, () => body)])),
      toSection(11, concatBytes([Uint8Array.of(1, 0, 0x41, 0x80, 0x02, 0x0b), toU32(hello.byteLength), hello])),
    ]),
  };
}

/** `x = (x * 31 + n) ^ (x >>> 7)`, again and again. */
function toWork(): Uint8Array {
  const steps = Array.from({ length: STEPS_PER_FUNCTION }, (_, n) => [
    ...[0x20, 0x00, 0x41, 0x1f, 0x6c, 0x41, n & 0x3f, 0x6a],
    ...[0x20, 0x00, 0x41, 0x07, 0x76, 0x73, 0x21, 0x00],
  ]);
  return toBody(0, [...steps.flat(), 0x20, 0x00]);
}

/** `i32.store` of a constant. */
function setWord(at: number, value: number): number[] {
  const signed = value < 64 ? [value] : [(value & 0x7f) | 0x80, value >> 7];
  return [0x41, at, 0x41, ...signed, 0x36, 0x02, 0x00];
}

function toBody(locals: number, code: readonly number[]): Uint8Array {
  const content = Uint8Array.of(locals, ...code, 0x0b);
  return concatBytes([toU32(content.byteLength), content]);
}
