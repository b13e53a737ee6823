/**
 * The numbers that preview 1 functions answer with.
 *
 * @see https://github.com/WebAssembly/WASI/blob/wasi-0.1/preview1/docs.md#errno
 */

import { FileError, type FileErrorCode } from "../files/file-error.guest.ts";

/** All went well. */
export const SUCCESS = 0;

const ERRNO = {
  EAGAIN: 6,
  EBADF: 8,
  EBUSY: 10,
  EEXIST: 20,
  EFAULT: 21,
  EFBIG: 22,
  EILSEQ: 25,
  EINVAL: 28,
  EIO: 29,
  EISDIR: 31,
  ELOOP: 32,
  EMFILE: 33,
  EMLINK: 34,
  ENAMETOOLONG: 37,
  ENOENT: 44,
  ENOSPC: 51,
  ENOTDIR: 54,
  ENOTEMPTY: 55,
  ENOTSOCK: 57,
  ENOTSUP: 58,
  EOVERFLOW: 61,
  EPERM: 63,
  EROFS: 69,
  ESPIPE: 70,
  EXDEV: 75,
  ENOTCAPABLE: 76,
} as const satisfies Record<FileErrorCode, number>;

/** The number of a refusal. Throws again whatever is no refusal. */
export function toErrno(thrown: unknown): number {
  if (thrown instanceof FileError) return ERRNO[thrown.code];
  throw thrown;
}
