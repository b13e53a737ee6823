/**
 * Rights: what may be done with a descriptor. They can be given up and are inherited, never regained.
 *
 * There are 30, so they fit a number; what a program sets beyond them is left out.
 *
 * @see https://github.com/WebAssembly/WASI/blob/wasi-0.1/preview1/docs.md#rights
 */

const NAMES = [
  "FD_DATASYNC",
  "FD_READ",
  "FD_SEEK",
  "FD_FDSTAT_SET_FLAGS",
  "FD_SYNC",
  "FD_TELL",
  "FD_WRITE",
  "FD_ADVISE",
  "FD_ALLOCATE",
  "PATH_CREATE_DIRECTORY",
  "PATH_CREATE_FILE",
  "PATH_LINK_SOURCE",
  "PATH_LINK_TARGET",
  "PATH_OPEN",
  "FD_READDIR",
  "PATH_READLINK",
  "PATH_RENAME_SOURCE",
  "PATH_RENAME_TARGET",
  "PATH_FILESTAT_GET",
  "PATH_FILESTAT_SET_SIZE",
  "PATH_FILESTAT_SET_TIMES",
  "FD_FILESTAT_GET",
  "FD_FILESTAT_SET_SIZE",
  "FD_FILESTAT_SET_TIMES",
  "PATH_SYMLINK",
  "PATH_REMOVE_DIRECTORY",
  "PATH_UNLINK_FILE",
  "POLL_FD_READWRITE",
  "SOCK_SHUTDOWN",
  "SOCK_ACCEPT",
] as const;

/** The name of a right, as the specification has it. */
export type Right = (typeof NAMES)[number];

/** The bit of each right. */
export const RIGHT: Readonly<Record<Right, number>> = toBits();

function toBits(): Record<Right, number> {
  const bits: Partial<Record<Right, number>> = {};
  for (const [index, name] of NAMES.entries()) bits[name] = 1 << index;
  return isWhole(bits) ? bits : toBits();
}

function isWhole(bits: Partial<Record<Right, number>>): bits is Record<Right, number> {
  return NAMES.every((name) => name in bits);
}

function join(...names: readonly Right[]): number {
  return names.reduce((bits, name) => bits | RIGHT[name], 0);
}

/** Every right there is. */
export const ALL_RIGHTS = join(...NAMES);

const COMMON = join("FD_FDSTAT_SET_FLAGS", "FD_SYNC", "FD_DATASYNC", "FD_FILESTAT_GET", "FD_FILESTAT_SET_TIMES");

/** The rights that mean something for a regular file. */
export const FILE_RIGHTS =
  COMMON |
  join("FD_READ", "FD_SEEK", "FD_TELL", "FD_WRITE", "FD_ADVISE", "FD_ALLOCATE", "FD_FILESTAT_SET_SIZE") |
  RIGHT.POLL_FD_READWRITE;

/** The rights that mean something for a directory. */
export const DIRECTORY_RIGHTS =
  COMMON | join("FD_READDIR", "FD_ADVISE", ...NAMES.filter((name) => name.startsWith("PATH_")));

/** The rights of standard input. */
export const INPUT_RIGHTS = join("FD_READ", "FD_FDSTAT_SET_FLAGS", "FD_FILESTAT_GET", "POLL_FD_READWRITE");

/** The rights of standard output and standard error. */
export const OUTPUT_RIGHTS =
  join("FD_WRITE", "FD_FDSTAT_SET_FLAGS", "FD_FILESTAT_GET", "POLL_FD_READWRITE") | join("FD_SYNC", "FD_DATASYNC");

/** Rights as a program passes them. */
export function toRights(value: bigint): number {
  return Number(BigInt.asUintN(NAMES.length, value));
}
