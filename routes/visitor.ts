/**
 * Who votes: a random number in a cookie, given with the first vote and to nobody who only reads.
 *
 * It is not signed. It gives no right but to take back one's own votes, nobody can guess 128 random bits, and who makes
 * up another one has done no more than who deletes the cookie; against that there is the limit by address.
 */

import type { Context } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import type { Site } from "./model.ts";

const COOKIE = "visitor";
/** The longest that browsers keep one. */
const MAX_AGE_SECONDS = 400 * 86_400;

/** The visitor of this request, `undefined` for whoever never voted. */
export function findVisitor(c: Context<Site>): string | undefined {
  const id = getCookie(c, COOKIE);
  return id !== undefined && /^[0-9a-f]{32}$/.test(id) ? id : undefined;
}

/** The visitor of this request; a new one is told to the browser with the answer. */
export function openVisitor(c: Context<Site>): string {
  const id = findVisitor(c) ?? crypto.randomUUID().replaceAll("-", "");
  const secure = c.req.url.startsWith("https:");
  setCookie(c, COOKIE, id, { path: "/", httpOnly: true, sameSite: "Lax", secure, maxAge: MAX_AGE_SECONDS });
  return id;
}

/** Where the request comes from, as the platform says; who calls directly cannot say it of himself. */
export function findAddress(c: Context<Site>): string {
  return c.req.header("cf-connecting-ip") ?? "unknown";
}
