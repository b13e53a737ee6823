/**
 * Failures for programs: application/problem+json.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9457
 */

import type { Context } from "hono";

const TITLES = { 400: "Bad Request", 404: "Not Found", 500: "Internal Server Error" } as const;

/** One field that was not understood. */
export interface Fault {
  /** The query parameter. */
  readonly name: string;
  readonly reason: string;
}

/** Answers with a problem document. `errors` names all faults at once. */
export function problem(c: Context, status: keyof typeof TITLES, detail: string, errors?: readonly Fault[]): Response {
  const body = { type: "about:blank", title: TITLES[status], status, detail, ...(errors && { errors }) };
  return c.body(JSON.stringify(body), status, {
    "content-type": "application/problem+json",
    "cache-control": "no-store",
  });
}
