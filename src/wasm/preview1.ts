/**
 * The functions of WASI preview 1 and their types.
 *
 * @see https://github.com/WebAssembly/WASI/blob/wasi-0.1/preview1/docs.md
 */

import type { FuncType } from "./types.ts";

/** The names under which programs import preview 1; the second is that of its first edition, with the same types. */
export const PREVIEW1_MODULES: readonly string[] = ["wasi_snapshot_preview1", "wasi_unstable"];

/** Parameters: `i` is an i32, `I` an i64. The result is an i32, the errno. */
const PARAMS: Readonly<Record<string, string>> = {
  args_get: "ii",
  args_sizes_get: "ii",
  environ_get: "ii",
  environ_sizes_get: "ii",
  clock_res_get: "ii",
  clock_time_get: "iIi",
  fd_advise: "iIIi",
  fd_allocate: "iII",
  fd_close: "i",
  fd_datasync: "i",
  fd_fdstat_get: "ii",
  fd_fdstat_set_flags: "ii",
  fd_fdstat_set_rights: "iII",
  fd_filestat_get: "ii",
  fd_filestat_set_size: "iI",
  fd_filestat_set_times: "iIIi",
  fd_pread: "iiiIi",
  fd_prestat_get: "ii",
  fd_prestat_dir_name: "iii",
  fd_pwrite: "iiiIi",
  fd_read: "iiii",
  fd_readdir: "iiiIi",
  fd_renumber: "ii",
  fd_seek: "iIii",
  fd_sync: "i",
  fd_tell: "ii",
  fd_write: "iiii",
  path_create_directory: "iii",
  path_filestat_get: "iiiii",
  path_filestat_set_times: "iiiiIIi",
  path_link: "iiiiiii",
  path_open: "iiiiiIIii",
  path_readlink: "iiiiii",
  path_remove_directory: "iii",
  path_rename: "iiiiii",
  path_symlink: "iiiii",
  path_unlink_file: "iii",
  poll_oneoff: "iiii",
  proc_exit: "i",
  proc_raise: "i",
  random_get: "ii",
  sched_yield: "",
  sock_accept: "iii",
  sock_recv: "iiiiii",
  sock_send: "iiiii",
  sock_shutdown: "ii",
};

/** The type of a function of preview 1; `undefined` when there is none of that name. */
export function findPreview1Type(name: string): FuncType | undefined {
  const params = Object.hasOwn(PARAMS, name) ? PARAMS[name] : undefined;
  if (params === undefined) return undefined;
  const results = name === "proc_exit" ? [] : ["i32"];
  return { params: Array.from(params, (letter) => (letter === "i" ? "i32" : "i64")), results };
}
