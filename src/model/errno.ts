/**
 * What the operating system calls a failure.
 */

/** The name of a failed system call's error, `ENOENT`, or of Node's own refusal, `ERR_…`; undefined for anything else. */
export function findErrno(thrown: unknown): string | undefined {
  return thrown instanceof Error && "code" in thrown && typeof thrown.code === "string" ? thrown.code : undefined;
}
