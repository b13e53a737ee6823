/**
 * Reads what a form sent.
 */

import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import type { Site } from "./model.ts";

/** The fields of a form without files. @throws {HTTPException} 415 for any other kind of body. */
export async function readForm(c: Context<Site>): Promise<URLSearchParams> {
  const type = c.req.header("content-type")?.split(";", 1)[0]?.trim().toLowerCase();
  if (type !== "application/x-www-form-urlencoded") throw new HTTPException(415);
  return new URLSearchParams(await c.req.text());
}
