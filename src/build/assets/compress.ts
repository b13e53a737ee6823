/**
 * Makes the smaller forms of an asset.
 */

import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import { KIB } from "../../model/units.ts";

/** In the manifest's words; also the endings of cached files. */
export const ENCODINGS = ["br", "gzip"] as const;
/** A content coding that the build makes. */
export type Encoding = (typeof ENCODINGS)[number];

/** Smaller assets fit into one packet either way. */
export const COMPRESS_FROM_BYTES = KIB;
/** Above this, brotli's best level costs seconds; level 5 costs a tenth and loses a few percent. */
const BEST_BROTLI_BYTES = 256 * KIB;
const FAST_BROTLI_QUALITY = 5;
/** A form that saves less than a tenth is not worth its storage. */
const KEEP_RATIO = 0.9;

const brotliAsync = promisify(brotliCompress);
const gzipAsync = promisify(gzip);

/** The form in one encoding, or `undefined` when it is hardly smaller. */
export async function compress(content: Uint8Array, encoding: Encoding): Promise<Uint8Array | undefined> {
  const encoded = encoding === "br" ? await toBrotli(content) : await gzipAsync(content, { level: 9 });
  return encoded.byteLength <= content.byteLength * KEEP_RATIO ? encoded : undefined;
}

async function toBrotli(content: Uint8Array): Promise<Uint8Array> {
  const isSmall = content.byteLength <= BEST_BROTLI_BYTES;
  return await brotliAsync(content, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: isSmall ? constants.BROTLI_MAX_QUALITY : FAST_BROTLI_QUALITY,
      [constants.BROTLI_PARAM_SIZE_HINT]: content.byteLength,
    },
  });
}
