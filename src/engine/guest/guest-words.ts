/**
 * Reads what a guest says. A guest is hostile until proven otherwise: every word is checked before it is used.
 */

import type { HeaderList, ResponseHead } from "../../model/exchange.ts";
import { type GuestCallHead, type GuestNote, LOG_METHODS } from "./protocol.ts";

const REDIRECTS = ["follow", "manual", "error"] as const;
/** Token of RFC 9110, section 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Field content of RFC 9110, section 5.5: no control characters but the tab, no character beyond one byte. */
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const METHOD_LIMIT = 32;

/** A note, or `undefined` when it is none. */
export function findNote(value: unknown): GuestNote | undefined {
  const { note, level, text } = toRecord(value);
  if (note === "ready") return { note };
  const method = LOG_METHODS.find((each) => each === level);
  return note === "log" && method !== undefined && typeof text === "string" ? { note, level: method, text } : undefined;
}

/** The head of a guest's call, or `undefined` when it is none. */
export function findCallHead(value: unknown): GuestCallHead | undefined {
  const { op, parent, binding, method, url, headers, redirect } = toRecord(value);
  const mode = REDIRECTS.find((each) => each === redirect);
  if ((op !== "binding" && op !== "outbound") || mode === undefined) return undefined;
  if (typeof parent !== "number" || typeof binding !== "string" || typeof url !== "string") return undefined;
  if (typeof method !== "string" || method.length > METHOD_LIMIT || !TOKEN.test(method) || !isHeaderList(headers))
    return undefined;
  return { op, parent, binding, method, url, headers, redirect: mode };
}

/** The head of a guest's answer; otherwise what is wrong with it. */
export function readResponseHead(value: unknown, limitBytes: number): ResponseHead | string {
  const { status, headers } = toRecord(value);
  if (typeof status !== "number" || !Number.isInteger(status) || status < 200 || status > 599) {
    return `its status is ${JSON.stringify(status)}, must be 200 to 599`;
  }
  if (!isHeaderList(headers)) return "its headers hold what HTTP does not allow";
  let bytes = 0;
  for (const text of headers) bytes += text.length + 2;
  return bytes > limitBytes ? `its headers have ${bytes} bytes, the limit is ${limitBytes} bytes` : { status, headers };
}

/** What a guest says of the time that an answer took, in milliseconds; 0 where it says nothing or nonsense. */
export function readPhases(value: unknown): { startMs: number; busyMs: number } {
  const { startMs, busyMs } = toRecord(value);
  return { startMs: toMs(startMs), busyMs: toMs(busyMs) };
}

function toMs(value: unknown): number {
  return typeof value === "number" && value >= 0 && value < 1e9 ? value : 0;
}

function isHeaderList(value: unknown): value is HeaderList {
  if (!Array.isArray(value) || value.length % 2 !== 0) return false;
  return value.every((text, i) => typeof text === "string" && (i % 2 === 0 ? TOKEN : FIELD_VALUE).test(text));
}

function toRecord(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
