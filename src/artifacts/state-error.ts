/**
 * Where the file system's errors enter: each becomes NEBULA_STATE_FAILED with words for what went wrong.
 */

import { findErrno } from "../model/errno.ts";
import { NebulaError } from "../model/errors.ts";

const REASONS: Readonly<Record<string, readonly [problem: string, hint: string]>> = {
  ENOSPC: ["no space is left on the disk", "Free some space, or move the state directory to a larger disk"],
  EDQUOT: ["the disk quota is used up", "Free some space, or raise the quota"],
  EACCES: ["permission is denied", "Give the user that runs the node read and write access to the state directory"],
  EPERM: ["the operation is not permitted", "Give the user that runs the node ownership of the state directory"],
  EROFS: ["the file system is read-only", "Move the state directory to a disk that can be written"],
  ENOENT: ["the file is missing", "Deploy the function again"],
  EMFILE: ["too many files are open", "Raise the limit of open files (ulimit -n)"],
  ENFILE: ["too many files are open on this machine", "Raise the limit of open files"],
  EIO: ["the disk reports an input/output error", "Check the disk"],
};

/** Words for a failed file operation; `action` follows "Cannot", `subject` is quoted. A NebulaError passes unchanged. */
export function toStateError(action: string, subject: string, error: unknown): NebulaError {
  if (error instanceof NebulaError) return error;
  const code = findErrno(error);
  const [problem, hint] = REASONS[code ?? ""] ?? [`the file system failed${code ? ` (${code})` : ""}`, undefined];
  return new NebulaError("NEBULA_STATE_FAILED", `Cannot ${action} "${subject}": ${problem}`, {
    hint,
    ...(code !== undefined && { details: { errno: code } }),
    cause: error,
  });
}
