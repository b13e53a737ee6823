/**
 * What was found wrong with one configuration file, collected until everything has been looked at.
 */

import { type Diagnostic, NebulaError } from "../model/errors.ts";
import { formatPath, type Path, type Position, type Problem, type Source, START } from "./source.ts";

/** Whether a finding stops the deployment. */
export type Severity = Diagnostic["severity"];

/** What a finding may have besides its words. */
export interface FindingOptions {
  readonly severity?: Severity;
  /** The remedy. */
  readonly hint?: string | undefined;
}

/** Collects everything that is wrong with one file, so that it can be told at once. */
export class Findings {
  readonly #file: string;
  readonly #positionOf: Source["positionOf"];
  readonly #list: Diagnostic[] = [];

  /** `file` is the absolute path that diagnostics carry. */
  constructor(file: string, positionOf: Source["positionOf"] = () => START) {
    this.#file = file;
    this.#positionOf = positionOf;
  }

  /** Notes something about a key; the message begins with the key's quoted path. */
  onKey(path: Path, what: string, options: FindingOptions = {}): void {
    this.#note(this.#positionOf(path, "key"), `"${formatPath(path)}" ${what}`, options);
  }

  /** Notes something about a value; the message begins with the quoted path. */
  onValue(path: Path, what: string, options: FindingOptions = {}): void {
    this.#note(this.#positionOf(path, "value"), `"${formatPath(path)}" ${what}`, options);
  }

  /** Notes something about the file as a whole. */
  onFile(message: string, options: FindingOptions = {}): void {
    this.#note(START, message, options);
  }

  /** Notes a fault of the text. */
  onText({ message, position, hint }: Problem): void {
    this.#note(position, message, { hint });
  }

  get hasErrors(): boolean {
    return this.#list.some(({ severity }) => severity === "error");
  }

  /** Everything found, in the order of the file. */
  toDiagnostics(): readonly Diagnostic[] {
    return this.#list.toSorted((a, b) => a.line - b.line || a.column - b.column);
  }

  /**
   * All findings as one failure. `name` is what the reader calls the file.
   *
   * One error is told in full; of several the first, and how many there are.
   */
  toError(name: string): NebulaError {
    const diagnostics = this.toDiagnostics();
    const errors = diagnostics.filter(({ severity }) => severity === "error");
    const [first] = errors;
    const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
    const what = first ? `line ${first.line}, ${first.message}${more}` : "it holds no error";
    return new NebulaError("NEBULA_CONFIG_INVALID", `Cannot read "${name}": ${what}`, {
      ...(first?.hint !== undefined && { hint: first.hint }),
      details: { errors: errors.length, warnings: diagnostics.length - errors.length },
      diagnostics,
    });
  }

  #note({ line, column }: Position, message: string, { severity = "error", hint }: FindingOptions): void {
    this.#list.push({ severity, message, file: this.#file, line, column, ...(hint !== undefined && { hint }) });
  }
}
