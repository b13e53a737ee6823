/**
 * Failures for programs: application/problem+json.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9457
 */

import type { Context } from "hono";

const TITLES = {
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  422: "Unprocessable Content",
  429: "Too Many Requests",
  500: "Internal Server Error",
} as const;

/** The statuses that a visitor can be told of, as a page or as a problem. */
export type ProblemStatus = keyof typeof TITLES;

/** One field that was not understood. */
export interface Fault {
  /** The query parameter, or the field of a form. */
  readonly name: string;
  readonly reason: string;
}

/** Answers with a problem document. `errors` names all faults at once. */
export function problem(c: Context, status: ProblemStatus, detail: string, errors?: readonly Fault[]): Response {
  const body = { type: "about:blank", title: TITLES[status], status, detail, ...(errors && { errors }) };
  return c.body(JSON.stringify(body), status, {
    "content-type": "application/problem+json",
    "cache-control": "no-store",
  });
}
