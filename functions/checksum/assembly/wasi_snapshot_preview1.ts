/**
 * The calls of WASI that are used here. AssemblyScript imports a declaration from the module that its file is named after.
 *
 * Addresses and lengths are u32; what is returned is an errno, 0 when all is well.
 *
 * @see https://github.com/WebAssembly/WASI/blob/wasi-0.1/preview1/docs.md
 */

/** Fills `count` vectors (address, length) at `vectors`; stores how many bytes came at `transferred`: 0 at the end. */
export declare function fd_read(fd: u32, vectors: usize, count: u32, transferred: usize): u32;

/** Writes `count` vectors, and stores how many bytes went. */
export declare function fd_write(fd: u32, vectors: usize, count: u32, transferred: usize): u32;

/** Ends the program. */
export declare function proc_exit(code: u32): void;
