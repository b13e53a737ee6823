/**
 * Makes a program out of the bytes that the host sent.
 *
 *     wasi-p1     one core module      →  command.guest.ts
 *     component   several, linked      →  component-program.guest.ts
 */

import { randomFillSync } from "node:crypto";
import { toTextVars } from "../../model/function.ts";
import { decodeModule, type ModuleInfo } from "../../wasm/module.ts";
import { judgeModule } from "../../wasm/verdict.ts";
import type { Addon } from "./addon/load-addon.guest.ts";
import { createWasiClock } from "./clock.guest.ts";
import { createCommand } from "./command.guest.ts";
import { createComponentProgram } from "./component-program.guest.ts";
import { CoreModule } from "./core-module.guest.ts";
import { ProgramFailure } from "./failures.guest.ts";
import type { Memories } from "./memories.guest.ts";
import type { Program } from "./program.guest.ts";
import { ProgramFiles } from "./program-files.guest.ts";
import type { LoadHead } from "./protocol.ts";

/** What programs of one process share. */
export interface LoadParts {
  readonly addon: Addon | undefined;
  readonly memories: Memories;
}

/** Compiles it. Throws a ProgramFailure, a WasmError, or V8's CompileError. */
export function loadProgram(
  head: LoadHead,
  bytes: Uint8Array,
  { addon, memories }: LoadParts,
): { program: Program; isFromCode: boolean } {
  const { main, files, state, code } = cut(head, bytes);
  const { name, settings, logBytes, memoryBytes } = head;
  const clock = createWasiClock();
  const parts = {
    name,
    settings,
    vars: toTextVars(head.bindings),
    logBytes,
    clock,
    random: (into: Uint8Array) => void randomFillSync(into),
    files: new ProgramFiles({ files, statePath: settings.state, state, clock }),
  };
  const options = { addon, memories, memoryBytes, code };
  if (head.kind === "component") {
    return createComponentProgram({ ...parts, envJson: JSON.stringify(head.bindings) }, main, options);
  }
  const info = decodeModule(main);
  refuseUnfit(info);
  const core = new CoreModule(main, options, info);
  return { program: createCommand(parts, core), isFromCode: core.isFromCode };
}

/** Says once, when it is loaded, what would be in the way of every request. How large its memory may be is not asked here. */
function refuseUnfit(info: ModuleInfo): void {
  const { problems } = judgeModule(info, { memoryBytes: Number.POSITIVE_INFINITY });
  if (problems.length > 0) throw new ProgramFailure("refused", problems.map(({ message }) => message).join("; "));
}

interface Pieces {
  readonly main: Uint8Array;
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly state: Uint8Array;
  readonly code: Uint8Array | undefined;
}

function cut({ mainBytes, files, stateBytes, codeBytes }: LoadHead, bytes: Uint8Array): Pieces {
  let at = 0;
  const take = (length: number) => {
    at += length;
    return bytes.subarray(at - length, at);
  };
  const main = take(mainBytes);
  const found = new Map(files.map((file) => [file.path, take(file.bytes)]));
  return { main, files: found, state: take(stateBytes), code: codeBytes === 0 ? undefined : take(codeBytes) };
}
