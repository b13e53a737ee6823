/**
 * What the terminal gets. stdout is data, stderr is talk; with `--json` data is exactly one object.
 *
 *     error NEBULA_BUILD_FAILED                                          the code
 *     Cannot bundle "index.ts": index.ts:3:9: Unexpected "}"             the message
 *       index.ts:3:9  error  Unexpected "}"                              where: each problem with its line,
 *           3 │ return };                                              and the step of the story
 *             │        ^
 *     hint  …                                                            what to do
 *
 * The only place that turns errors into terminal output.
 */

import { type Diagnostic, type NebulaError, toNebulaError } from "../model/errors.ts";
import { clean } from "./clean.ts";
import { findExcerpt, toShownPath } from "./excerpt.ts";
import type { CliIo } from "./io.ts";
import { createStyle, type Style } from "./style.ts";

/** Where a printer prints, and how. */
export interface PrinterOptions {
  readonly io: Pick<CliIo, "stdout" | "stderr" | "env" | "cwd" | "isTty">;
  readonly isJson: boolean;
  readonly isVerbose: boolean;
}

/** Prints results on stdout and everything else on stderr. */
export interface Printer {
  readonly isJson: boolean;
  readonly style: Style;
  /** Prints what the command was asked for: the object with `--json`, otherwise the text. Called once. */
  result(value: unknown, text: string): void;
  /** One line of talk. */
  talk(line: string): void;
  /** Tells of a failure that does not end the command. */
  report(thrown: unknown): void;
  /** Tells of warnings. */
  warn(diagnostics: readonly Diagnostic[]): void;
  /** Tells of the failure that ends the command; with `--json` as its one object. */
  fail(thrown: unknown): void;
}

/** Makes a printer for one run. */
export function createPrinter({ io, isJson, isVerbose }: PrinterOptions): Printer {
  const style = createStyle(io);
  const toText = (thrown: unknown) => formatError(thrown, { style, cwd: io.cwd, isVerbose });
  const talk = (line: string) => void io.stderr.write(`${line}\n`);
  return {
    isJson,
    style,
    result: (value, text) => void io.stdout.write(isJson ? `${JSON.stringify(value)}\n` : toLines(text)),
    talk,
    report: (thrown) => talk(toText(thrown)),
    warn: (diagnostics) => {
      for (const one of diagnostics) talk(formatDiagnostic(one, { style, cwd: io.cwd }));
    },
    fail: (thrown) => {
      if (isJson) io.stdout.write(`${JSON.stringify({ error: toErrorObject(thrown, { isVerbose }) })}\n`);
      else talk(toText(thrown));
    },
  };
}

/** The exit code that a failure asks for: 2 usage, 1 the function or its configuration, 70 our fault. */
export function toExitCode(thrown: unknown): number {
  const { fault } = toNebulaError(thrown);
  return fault === "caller" ? 2 : fault === "owner" ? 1 : 70;
}

interface FormatOptions {
  readonly style: Style;
  /** Paths below it are shown relative to it. */
  readonly cwd: string;
}

/** A failure in its four parts. */
export function formatError(thrown: unknown, options: FormatOptions & { isVerbose: boolean }): string {
  const { style, isVerbose } = options;
  const error = toNebulaError(thrown);
  const step = error.details.step;
  const lines = [
    `${style.red("error")} ${style.bold(error.code)}`,
    clean(toMessage(error)),
    ...error.diagnostics.map((one) => formatDiagnostic(one, options)),
    ...(step === undefined ? [] : [`  ${style.dim(`in step ${step}`)}`]),
    ...formatHint(error, style),
    ...(isVerbose ? [style.dim(clean(formatStacks(error)))] : []),
  ];
  return lines.join("\n");
}

/** One problem with its place, the line it stands in and its hint. */
export function formatDiagnostic(diagnostic: Diagnostic, { style, cwd }: FormatOptions): string {
  const { severity, message, file, line, column, hint } = diagnostic;
  const label = severity === "error" ? style.red("error") : style.yellow("warning");
  const place = `${toShownPath(file, cwd)}:${line}:${column}`;
  const excerpt = findExcerpt(file, { line, column, cwd });
  return [
    `  ${style.bold(place)}  ${label}  ${clean(message)}`,
    ...(excerpt === undefined ? [] : [clean(excerpt)]),
    ...(hint === undefined ? [] : [`      ${style.dim("hint")}  ${clean(hint)}`]),
  ].join("\n");
}

/** An internal error without its cause would say nothing. */
function toMessage({ code, message, cause }: NebulaError): string {
  return code === "NEBULA_INTERNAL" && cause instanceof Error ? `${message}: ${cause.message}` : message;
}

function formatHint(error: NebulaError, style: Style): string[] {
  const isInternal = error.code === "NEBULA_INTERNAL" && error.hint === undefined;
  const hint = isInternal ? "This is a fault of Nebula: run it again with --verbose for the stack" : error.hint;
  const isSaid = error.diagnostics.some((diagnostic) => diagnostic.hint === hint);
  return hint === undefined || isSaid ? [] : [`${style.dim("hint")}  ${clean(hint)}`];
}

function formatStacks(error: NebulaError): string {
  const stacks: string[] = [];
  for (let one: unknown = error; one instanceof Error; one = one.cause) stacks.push(one.stack ?? String(one));
  return stacks.join("\ncaused by ");
}

/** The failure as plain data, for `--json`. */
function toErrorObject(thrown: unknown, { isVerbose }: { isVerbose: boolean }): Record<string, unknown> {
  const error = toNebulaError(thrown);
  return {
    code: error.code,
    message: toMessage(error),
    ...(error.hint !== undefined && { hint: error.hint }),
    ...(Object.keys(error.details).length > 0 && { details: error.details }),
    ...(error.diagnostics.length > 0 && { diagnostics: error.diagnostics }),
    ...(isVerbose && { stack: formatStacks(error) }),
  };
}

function toLines(text: string): string {
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}
