/**
 * The calls of WASI that are used here. AssemblyScript imports a declaration from the module that its file is named after.
 *
 * What is returned is an errno, 0 when all is well.
 *
 * @see https://github.com/WebAssembly/WASI/blob/wasi-0.1/preview1/docs.md
 */

/** Stores how many variables there are, and how many bytes their texts (`name=value` and a zero) have together. */
export declare function environ_sizes_get(count: usize, bytes: usize): u32;

/** Stores the address of each text at `addresses`, and the texts at `texts`. */
export declare function environ_get(addresses: usize, texts: usize): u32;

/** Writes `count` vectors (address, length), and stores how many bytes went. */
export declare function fd_write(fd: u32, vectors: usize, count: u32, transferred: usize): u32;
