/**
 * Values of the configuration that go into `env`: what JSON can carry, and nothing else.
 */

import type { Json } from "../model/function.ts";
import type { Findings } from "./findings.ts";
import { isTable } from "./source.ts";
import { listElements, listEntries, type Value } from "./value.ts";

/** A copy that JSON can carry. Notes what it cannot; never tells the value, because it may be a secret. */
export function toJson(value: Value, findings: Findings): Json {
  const { value: raw, path } = value;
  if (raw === null || typeof raw === "string" || typeof raw === "boolean") return raw;
  if (typeof raw === "number" && Number.isFinite(raw)) return raw;
  if (Array.isArray(raw)) return listElements(value).map((element) => toJson(element, findings));
  if (isTable(raw)) return Object.fromEntries(listEntries(value).map(([key, child]) => [key, toJson(child, findings)]));
  const what = raw instanceof Date ? "is a date, which" : "is a number that";
  findings.onValue(path, `${what} JSON cannot carry`, { hint: "put it in quotes" });
  return null;
}
