/**
 * Header lines and methods as wasi:http writes them.
 */

import { fromLatin1, toLatin1 } from "./encoding.ts";
import type { HeaderLine, NebulaHeaders } from "./headers.ts";
import type { FieldEntry, Fields, Host, Tagged } from "./host.ts";

const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"]);

/** `{ tag: "get" }` → `GET` */
export function fromMethod({ tag, val }: Tagged): string {
  return tag === "other" ? String(val) : tag.toUpperCase();
}

/** `GET` → `{ tag: "get" }` */
export function toMethod(method: string): Tagged {
  return METHODS.has(method) ? { tag: method.toLowerCase() } : { tag: "other", val: method };
}

/** Values are Latin-1: any byte may be in one. */
export function readFields(fields: Fields): HeaderLine[] {
  const lines = fields.entries().map(([name, value]): HeaderLine => [name.toLowerCase(), toLatin1(value)]);
  fields[Symbol.dispose]();
  return lines;
}

/** The lines that may be sent on. */
export function writeFields(host: Host, headers: NebulaHeaders, isLeftOut: (name: string) => boolean): Fields {
  const entries: FieldEntry[] = [];
  for (const [name, value] of headers) if (!isLeftOut(name)) entries.push([name, fromLatin1(value)]);
  return host.types.Fields.fromList(entries);
}
