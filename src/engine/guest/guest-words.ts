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
/** The longest that a timer can be set for. */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** How much of a wrong name is repeated. */
const SHOWN_LENGTH = 64;

/** A note, or `undefined` when it is none. */
export function findNote(value: unknown): GuestNote | undefined {
  const { note, level, text } = toRecord(value);
  if (note === "ready") return { note };
  const method = LOG_METHODS.find((each) => each === level);
  return note === "log" && method !== undefined && typeof text === "string" ? { note, level: method, text } : undefined;
}

/** The head of a guest's call, or `undefined` when it is none. */
export function findCallHead(value: unknown): GuestCallHead | undefined {
  const { op, parent, binding, method, url, headers, redirect, connectTimeoutMs } = toRecord(value);
  const mode = REDIRECTS.find((each) => each === redirect);
  if ((op !== "binding" && op !== "outbound") || mode === undefined) return undefined;
  if (typeof parent !== "number" || typeof binding !== "string" || typeof url !== "string") return undefined;
  if (typeof method !== "string" || method.length > METHOD_LIMIT || !TOKEN.test(method) || !isHeaderList(headers))
    return undefined;
  const isTimed = typeof connectTimeoutMs === "number" && connectTimeoutMs >= 0 && connectTimeoutMs <= MAX_TIMER_MS;
  return {
    ...{ op, parent, binding, method, url, headers, redirect: mode },
    ...(isTimed && { connectTimeoutMs }),
  };
}

/** The head of a guest's answer; otherwise what is wrong with it. */
export function readResponseHead(value: unknown, limitBytes: number): ResponseHead | string {
  const { status, headers } = toRecord(value);
  if (typeof status !== "number" || !Number.isInteger(status) || status < 200 || status > 599) {
    return `its status is ${JSON.stringify(status)}, must be 200 to 599`;
  }
  const list = readFields(headers, "headers", limitBytes);
  return typeof list === "string" ? list : { status, headers: list };
}

/** What a guest says after the body of its answer; otherwise what is wrong with it. */
export function readTrailers(value: unknown, limitBytes: number): HeaderList | string {
  return readFields(value, "trailers", limitBytes);
}

function readFields(value: unknown, what: "headers" | "trailers", limitBytes: number): HeaderList | string {
  if (!isHeaderList(value)) return `its ${what} hold what HTTP does not allow${describeBad(value)}`;
  let bytes = 0;
  for (const text of value) bytes += text.length + 2;
  return bytes > limitBytes ? `its ${what} have ${bytes} bytes, the limit is ${limitBytes} bytes` : value;
}

/** Which field it is, for its owner to find it. */
function describeBad(list: unknown): string {
  if (!Array.isArray(list)) return "";
  const at = list.findIndex((text, i) => !isFieldPart(text, i));
  const name: unknown = list[at - (at % 2)];
  if (at < 0 || typeof name !== "string") return "";
  return at % 2 === 0 ? `: the name ${quote(name)}` : `: the value of ${quote(name)}`;
}

function quote(text: string): string {
  return JSON.stringify(text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text);
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
  return value.every(isFieldPart);
}

function isFieldPart(text: unknown, i: number): boolean {
  return typeof text === "string" && (i % 2 === 0 ? TOKEN : FIELD_VALUE).test(text);
}

function toRecord(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
