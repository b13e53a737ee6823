/**
 * How the in-memory file system refuses.
 *
 * Programs look for files that are not there by the thousand, so a refusal carries a code and no stack.
 */

/** Why a file system operation was refused, by its POSIX name. */
export type FileErrorCode =
  | "EAGAIN"
  | "EBADF"
  | "EBUSY"
  | "EEXIST"
  | "EFAULT"
  | "EFBIG"
  | "EILSEQ"
  | "EINVAL"
  | "EIO"
  | "EISDIR"
  | "ELOOP"
  | "EMFILE"
  | "EMLINK"
  | "ENAMETOOLONG"
  | "ENOENT"
  | "ENOSPC"
  | "ENOTCAPABLE"
  | "ENOTDIR"
  | "ENOTEMPTY"
  | "ENOTSOCK"
  | "ENOTSUP"
  | "EOVERFLOW"
  | "EPERM"
  | "EROFS"
  | "ESPIPE"
  | "EXDEV";

/** A refusal. Never leaves the hosts: each maps the code to its own. */
export class FileError {
  readonly code: FileErrorCode;

  constructor(code: FileErrorCode) {
    this.code = code;
  }
}

/** Throws the refusal with this code. */
export function refuse(code: FileErrorCode): never {
  throw new FileError(code);
}
