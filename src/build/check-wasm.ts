/**
 * Says whether a node will run a Wasm file, before anything is sent to one: decoded, judged, and shown to V8.
 */

import { decodeComponent } from "../wasm/component/decode.ts";
import { judgeComponent } from "../wasm/component-verdict.ts";
import { findWasmForm } from "../wasm/form.ts";
import { decodeModule } from "../wasm/module.ts";
import { listCoreModules } from "../wasm/nested-modules.ts";
import { WasmError } from "../wasm/reader.ts";
import { judgeModule, type WasmProblem } from "../wasm/verdict.ts";
import type { WasmProgram } from "./wasm-program.ts";

/** A program, or everything that keeps the bytes from being one. */
export type CheckedWasm =
  | { readonly program: WasmProgram; readonly problems?: undefined }
  | { readonly program?: undefined; readonly problems: readonly [WasmProblem, ...WasmProblem[]] };

/** Checks a file; `memoryBytes` is the most that its memory may begin with. Never throws because of the bytes. */
export function checkWasm(bytes: Uint8Array, { memoryBytes }: { memoryBytes: number }): CheckedWasm {
  const form = findWasmForm(bytes);
  if (form === undefined) return toProblems([explainForm(bytes)]);
  try {
    return form === "module" ? checkModule(bytes, memoryBytes) : checkComponent(bytes);
  } catch (thrown) {
    if (!(thrown instanceof WasmError)) throw thrown;
    return toProblems([explainDamage(thrown)]);
  }
}

/** What it means that bytes cannot be decoded. */
export function explainDamage({ message }: WasmError): WasmProblem {
  if (message.includes("not supported")) {
    return { message: `it needs more than WASI 0.2: ${message}`, hint: "Build it for wasm32-wasip2 or wasm32-wasip1" };
  }
  const hint = "It is damaged or incomplete: build it again, or copy it again";
  return { message: `it is no valid WebAssembly: ${message}`, hint };
}

function checkModule(bytes: Uint8Array, memoryBytes: number): CheckedWasm {
  const { snapshotHook, problems } = judgeModule(decodeModule(bytes), { memoryBytes });
  const all = problems.length > 0 ? problems : findCodeProblems(bytes);
  if (all.length > 0) return toProblems(all);
  return { program: { kind: "wasi-p1", bytes, ...(snapshotHook !== undefined && { snapshotHook }), savings: [] } };
}

function checkComponent(bytes: Uint8Array): CheckedWasm {
  const problems = [...judgeComponent(decodeComponent(bytes)).problems];
  for (const module of problems.length > 0 ? [] : listCoreModules(bytes)) problems.push(...findCodeProblems(module));
  return problems.length > 0 ? toProblems(problems) : { program: { kind: "component", bytes, savings: [] } };
}

/** Only V8 knows whether it takes the code, and all of the code. */
function findCodeProblems(bytes: Uint8Array): readonly WasmProblem[] {
  try {
    return new WebAssembly.Module(bytes) && [];
  } catch (thrown) {
    if (!(thrown instanceof WebAssembly.CompileError)) throw thrown;
    const message = thrown.message.replace(/^WebAssembly\.\w+\(\): /, "");
    return [
      { message: `V8 does not take its code: ${message}`, hint: "Build it for the features of today's browsers" },
    ];
  }
}

function explainForm(bytes: Uint8Array): WasmProblem {
  if (bytes.byteLength === 0) return { message: "it is empty" };
  const isWasm = bytes[0] === 0x00 && bytes[1] === 0x61 && bytes[2] === 0x73 && bytes[3] === 0x6d;
  if (!isWasm && bytes[0] === 0x28) {
    return { message: "it is WebAssembly as text", hint: "Assemble it first: wasm-as main.wat -o main.wasm" };
  }
  return { message: isWasm ? "it ends within its header, or is of another version" : "it is not a WebAssembly file" };
}

function toProblems([first, ...rest]: readonly WasmProblem[]): CheckedWasm {
  return { problems: [first ?? { message: "nothing is known of it" }, ...rest] };
}
