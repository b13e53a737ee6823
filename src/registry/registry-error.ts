/**
 * Where errors of SQLite and drizzle enter: each becomes NEBULA_STATE_FAILED that names the file.
 */

import { NebulaError } from "../model/errors.ts";

const RESTORE = "Restore the file from a copy, or move it away and deploy the functions again";

/** By SQLite's primary result codes. @see https://sqlite.org/rescode.html */
const REASONS: Readonly<Record<number, readonly [problem: string, hint?: string]>> = {
  3: ["permission is denied", "Give the user that runs the node read and write access to the state directory"],
  5: ["it is in use by another process", "Stop the other process"],
  8: ["it is read-only", "Give the user that runs the node write access to the state directory"],
  10: ["the disk reports an input/output error", "Check the disk"],
  11: ["it is damaged", RESTORE],
  13: ["no space is left on the disk", "Free some space, or move the state directory to a larger disk"],
  14: [
    "it cannot be opened",
    "Check that the state directory exists and that the user that runs the node may write it",
  ],
  26: ["it is damaged: this is not a database", RESTORE],
};

/** A failure of the registry in `path`; `action` follows "Cannot". A NebulaError passes unchanged. */
export function toRegistryError(action: string, path: string, error: unknown): NebulaError {
  if (error instanceof NebulaError) return error;
  const cause = withoutParameters(error);
  const code = findResultCode(cause);
  const [problem, hint] = REASONS[code ?? -1] ?? [describeOther(cause)];
  return new NebulaError("NEBULA_STATE_FAILED", `Cannot ${action} in "${path}": ${problem}`, {
    hint,
    ...(code !== undefined && { details: { sqliteCode: code } }),
    cause,
  });
}

/** A record of the registry that does not hold what was written. */
export function damagedRecord(subject: string, problem: string): NebulaError {
  return new NebulaError("NEBULA_STATE_FAILED", `Cannot read the record of "${subject}": ${problem}`, {
    hint: RESTORE,
  });
}

/** SQLite's primary result code, as 5 for SQLITE_BUSY. */
export function findResultCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("errcode" in error) || typeof error.errcode !== "number") return undefined;
  return error.errcode & 0xff;
}

function describeOther(error: unknown): string {
  const isErrno = error instanceof Error && "syscall" in error && "code" in error;
  return isErrno ? `the file system refused (${error.code})` : "the database refused";
}

/** drizzle puts the SQL parameters into its message, and what an author deploys has no place in a log. */
function withoutParameters(error: unknown): unknown {
  return error instanceof Error && "params" in error ? error.cause : error;
}
