/**
 * From a file and a request to an answer: conditions, range, encoding, headers, bytes.
 *
 * In the order of RFC 9110 section 13.2.2. An error page (404) is sent whole, whatever the conditions say.
 */

import type { Answer, Body, Call, HeaderList } from "../../model/exchange.ts";
import type { BlobReader } from "../../model/ports.ts";
import { type BlobCache, toGone } from "./blob-cache.ts";
import { type Conditions, findPreconditionStatus, readConditions } from "./conditions.ts";
import { selectRepresentation } from "./negotiate.ts";
import { type ByteRange, findRange } from "./range.ts";
import type { Representation, StoredFile } from "./representation.ts";

/** What an answer with a file is made of. */
export interface SendOptions {
  readonly status: 200 | 404;
  readonly blobs: BlobReader;
  readonly cache: BlobCache;
  /** Send the file as it is, whatever the client accepts. */
  readonly isIdentityOnly: boolean;
}

/** @see https://developers.cloudflare.com/workers/static-assets/headers/ (default headers) */
const CACHE_CONTROL: HeaderList = ["cache-control", "public, max-age=0, must-revalidate"];

/**
 * Answers GET or HEAD for a file.
 *
 * @throws {NebulaError} NEBULA_CLIENT_GONE when the signal aborts first.
 * @throws {NebulaError} NEBULA_STATE_FAILED when the node has lost the bytes.
 */
export async function sendFile(file: StoredFile, call: Call, options: SendOptions): Promise<Answer> {
  const conditions = readConditions(call.head.headers);
  const isCacheable = conditions.range === undefined && conditions.isAuthorized === undefined;
  const range = options.status === 200 && call.head.method === "GET" ? findWantedRange(file, conditions) : undefined;
  const isIdentity = range !== undefined || options.isIdentityOnly;
  const form = isIdentity ? file.identity : selectRepresentation(file, conditions.acceptEncoding);
  const validators = isCacheable ? [...form.validators, ...CACHE_CONTROL] : form.validators;

  const precondition = options.status === 200 ? findPreconditionStatus(conditions, form.etag) : undefined;
  if (precondition === 304) return { head: { status: 304, headers: validators }, body: null };
  if (precondition === 412)
    return { head: { status: 412, headers: [...validators, "content-length", "0"] }, body: null };
  if (range === "unsatisfiable") {
    const headers = [...validators, "content-range", `bytes */${form.blob.bytes}`, "content-length", "0"];
    return { head: { status: 416, headers }, body: null };
  }
  const headers = [...form.content, ...validators, ...toLengthHeaders(form, range)];
  const body = call.head.method === "HEAD" ? null : await openBody(form, range, { ...options, signal: call.signal });
  return { head: { status: range === undefined ? options.status : 206, headers }, body };
}

/** The range of the file as it is, if the client asked for one and still has the same bytes. */
function findWantedRange(file: StoredFile, { range, ifRange }: Conditions): ByteRange | "unsatisfiable" | undefined {
  if (range === undefined || (ifRange !== undefined && ifRange !== file.identity.etag)) return undefined;
  return findRange(range, file.identity.blob.bytes);
}

function toLengthHeaders({ blob }: Representation, range: ByteRange | undefined): HeaderList {
  if (range === undefined) return ["content-length", String(blob.bytes)];
  const { start, end } = range;
  return ["content-length", String(end - start + 1), "content-range", `bytes ${start}-${end}/${blob.bytes}`];
}

type BodyOptions = Pick<SendOptions, "blobs" | "cache"> & { readonly signal: AbortSignal };

async function openBody({ blob }: Representation, range: ByteRange | undefined, options: BodyOptions): Promise<Body> {
  const { blobs, cache, signal } = options;
  if (blob.bytes === 0) return null;
  if (!cache.mayKeep(blob)) {
    if (signal.aborted) throw toGone();
    return blobs.stream(blob.digest, range).pipeThrough(new TransformStream(), { signal });
  }
  const bytes = cache.find(blob) ?? (await cache.read(blob, signal));
  return range === undefined ? bytes : bytes.subarray(range.start, range.end + 1);
}
