/**
 * `wasi:random`: random, insecure and insecure-seed, all from one generator.
 *
 * @see https://github.com/WebAssembly/wasi-random/tree/v0.2.0/wit
 */

import type { HostFunctions } from "../component/host-function.guest.ts";
import { trap } from "./result.guest.ts";

/** Fills the array with random bytes. */
export type FillRandom = (bytes: Uint8Array) => void;

/** The three interfaces. */
export interface RandomFunctions {
  readonly random: HostFunctions;
  readonly insecure: HostFunctions;
  readonly insecureSeed: HostFunctions;
}

/** More at once than this ends the guest, as it does in wasmtime. */
const MAX_BYTES = 64 * 1024 * 1024;

/** The interfaces over a generator. The seed is the same whenever the guest asks. */
export function createRandom(fill: FillRandom): RandomFunctions {
  let seed: readonly [bigint, bigint] | undefined;
  const takeBytes = (length: bigint): Uint8Array => {
    if (length > BigInt(MAX_BYTES)) trap(`random: more than ${MAX_BYTES} bytes at once`);
    const bytes = new Uint8Array(Number(length));
    fill(bytes);
    return bytes;
  };
  const takeU64 = (): bigint => new DataView(takeBytes(8n).buffer).getBigUint64(0);
  return {
    random: { "get-random-bytes": takeBytes, "get-random-u64": takeU64 },
    insecure: { "get-insecure-random-bytes": takeBytes, "get-insecure-random-u64": takeU64 },
    insecureSeed: {
      "insecure-seed": () => {
        seed ??= [takeU64(), takeU64()];
        return seed;
      },
    },
  };
}
