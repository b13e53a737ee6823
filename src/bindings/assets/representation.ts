/**
 * Representations: a file as it is, and its smaller forms, each with its own strong ETag.
 *
 * The ETag is the first half of the digest of the bytes that are sent, so equal tags mean equal bytes, whatever the
 * encoding (RFC 9110 section 8.8.3.3 asks for different tags per encoding).
 */

import type { AssetFile, Blob } from "../../model/artifact.ts";
import type { HeaderList } from "../../model/exchange.ts";

const ENCODINGS = ["br", "zstd", "gzip"] as const;
/** A content coding that the build may have made. */
export type Encoding = (typeof ENCODINGS)[number];

/** The form of a file that is sent as it is. */
export interface Representation {
  readonly blob: Blob;
  /** With its quotes. */
  readonly etag: string;
  /** Headers of the bytes: type, encoding, ranges. */
  readonly content: HeaderList;
  /** Headers that a 304 repeats: tag and Vary. */
  readonly validators: HeaderList;
}

/** A smaller form of the same bytes. */
export interface EncodedRepresentation extends Representation {
  readonly encoding: Encoding;
}

/** A file ready to be sent. `encoded` is ordered smallest first. */
export interface StoredFile {
  readonly identity: Representation;
  readonly encoded: readonly EncodedRepresentation[];
}

/** Works out everything about a file that does not depend on a request. */
export function toStoredFile(file: AssetFile): StoredFile {
  const forms = ENCODINGS.flatMap((encoding) => {
    const blob = file.encoded?.[encoding];
    return blob === undefined ? [] : [{ encoding, blob }];
  });
  const shared = { contentType: file.contentType, varies: forms.length > 0 };
  return {
    identity: toRepresentation(file, shared),
    encoded: forms
      .map(({ encoding, blob }) => ({ encoding, ...toRepresentation(blob, { ...shared, encoding }) }))
      .sort((a, b) => a.blob.bytes - b.blob.bytes),
  };
}

interface Shared {
  readonly contentType: string;
  readonly varies: boolean;
  readonly encoding?: Encoding;
}

const TAG_DIGITS = 32;

function toRepresentation(blob: Blob, { contentType, varies, encoding }: Shared): Representation {
  const etag = `"${blob.digest.slice("sha256:".length).slice(0, TAG_DIGITS)}"`;
  return {
    blob,
    etag,
    content: [
      ...(contentType === "" ? [] : ["content-type", contentType]),
      ...(encoding === undefined ? [] : ["content-encoding", encoding]),
      "accept-ranges",
      "bytes",
    ],
    validators: ["etag", etag, ...(varies ? ["vary", "accept-encoding"] : [])],
  };
}
