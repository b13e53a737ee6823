/**
 * Turns any thrown value into a problem document. The only place that does so for HTTP.
 * @see https://www.rfc-editor.org/rfc/rfc9457
 */

import { type NebulaError, toNebulaError } from "../model/errors.ts";

/** A problem document, ready to be sent. */
export interface ProblemAnswer {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: string;
}

/** Who reads it: a caller learns only what is his own fault, the owner everything but secrets. */
export type Audience = "caller" | "owner";

/** The document for a failure: what its reader may know, and no more. */
export function toProblem(
  thrown: unknown,
  { audience, requestId }: { audience: Audience; requestId: string },
): ProblemAnswer {
  const error = toNebulaError(thrown);
  const { status, code, fault } = error;
  const isReadable = fault === "caller" || audience === "owner";
  const document = {
    code,
    status,
    title: TITLES[fault],
    instance: requestId,
    ...(isReadable && { detail: error.message, ...(error.hint !== undefined && { hint: error.hint }) }),
    ...(audience === "owner" && fault !== "host" && ownersView(error)),
  };
  const retry = error.details.retryAfterSeconds ?? (status === 503 ? 1 : undefined);
  const headers = ["content-type", "application/problem+json", "cache-control", "no-store"];
  // RFC 9110, section 11.6.1
  if (code === "NEBULA_UNAUTHORIZED") headers.push("www-authenticate", "Bearer");
  if (retry !== undefined) headers.push("retry-after", String(retry));
  return { status, headers, body: `${JSON.stringify(document)}\n` };
}

const TITLES = {
  caller: "The request cannot be answered as it is",
  owner: "The function failed",
  host: "The node cannot answer now",
} as const;

function ownersView({ details, diagnostics, cause }: NebulaError) {
  const stack = cause instanceof Error ? cause.stack : undefined;
  return { details, ...(diagnostics.length > 0 && { diagnostics }), ...(stack !== undefined && { stack }) };
}
