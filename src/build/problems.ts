/**
 * esbuild's messages in the words of this project: what is so, where, and what to do about it.
 */

import type { Diagnostic, NebulaError } from "../model/errors.ts";
import type { FunctionSpec } from "../model/function.ts";
import {
  findNodeModule,
  hasNodejsCompat,
  mayImportNodeModule,
  NODEJS_REFUSED_MODULES,
} from "../model/nodejs-compat.ts";
import type { Message } from "./esbuild.ts";
import type { StepName } from "./plan.ts";
import { buildFailed } from "./step.ts";

/** What an explanation needs to know of the project. */
export interface ProblemContext {
  /** The entry, relative to the project: where a problem without a place of its own is shown. */
  readonly main: string;
  readonly compatibility: FunctionSpec["compatibility"];
}

interface Explanation {
  readonly message: string;
  readonly hint?: string | undefined;
}

/** Puts messages into diagnostics, files relative to the project, lines and columns from 1. */
export function toDiagnostics(
  messages: readonly Message[],
  { severity, ...context }: ProblemContext & { severity: Diagnostic["severity"] },
): Diagnostic[] {
  return messages.map((problem) => {
    const { message, hint } = explain(problem, context);
    const { location } = problem;
    const place = location
      ? { file: location.file, line: location.line, column: toColumn(location.lineText, location.column) }
      : { file: context.main, line: 1, column: 1 };
    return { severity, message, ...place, ...(hint !== undefined && { hint }) };
  });
}

/** One error for all problems: the first in the message, all of them as diagnostics. */
export function toBuildFailure(step: StepName, main: string, diagnostics: readonly Diagnostic[]): NebulaError {
  const [first] = diagnostics;
  const more = diagnostics.length > 1 ? ` (and ${diagnostics.length - 1} more)` : "";
  const what = first
    ? `${first.file}:${first.line}:${first.column}: ${first.message}${more}`
    : "esbuild gave no reason";
  return buildFailed(step, `Cannot bundle "${main}": ${what}`, {
    diagnostics,
    ...(first?.hint !== undefined && { hint: first.hint }),
  });
}

/** esbuild counts columns in bytes from 0. */
function toColumn(lineText: string, bytes: number): number {
  return Buffer.from(lineText).subarray(0, bytes).toString().length + 1;
}

function explain({ text, notes, detail }: Message, { compatibility }: ProblemContext): Explanation {
  const unresolved = /^Could not resolve "(.+)"$/.exec(text)?.[1];
  if (unresolved !== undefined) return explainUnresolved(unresolved, compatibility);
  const [, extension, file] = /^No loader is configured for "(.+)" files: (.+)$/.exec(text) ?? [];
  if (extension !== undefined) {
    const hint = `Add [[rules]] type = "Text" (or "Data"), globs = ["**/*${extension}"]`;
    return { message: `Cannot import "${file}": no rule says what a ${extension} file becomes`, hint };
  }
  return { message: text, hint: typeof detail === "string" ? detail : notes[0]?.text };
}

function explainUnresolved(specifier: string, compatibility: FunctionSpec["compatibility"]): Explanation {
  const name = findNodeModule(specifier);
  if (name !== undefined) return explainNodeModule(specifier, { name, compatibility });
  const isPath = /^[./#]/.test(specifier) || specifier.includes(":");
  const hint = isPath ? undefined : `Install it: npm install ${toPackageName(specifier)}`;
  return { message: `Cannot resolve "${specifier}": there is no such ${isPath ? "file" : "package"}`, hint };
}

function explainNodeModule(
  specifier: string,
  { name, compatibility }: { name: string; compatibility: FunctionSpec["compatibility"] },
): Explanation {
  const refusal = NODEJS_REFUSED_MODULES[name];
  if (refusal !== undefined) {
    return { message: `Cannot import "${specifier}": ${refusal}`, hint: "Importable are the modules of nodejs_compat" };
  }
  const isOff = !hasNodejsCompat(compatibility) && !mayImportNodeModule(name, compatibility);
  return {
    message: `Cannot import "${specifier}": ${isOff ? "nodejs_compat is off" : "it could not be resolved"}`,
    hint: isOff ? 'Add compatibility_flags = ["nodejs_compat"]' : undefined,
  };
}

function toPackageName(specifier: string): string {
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}
