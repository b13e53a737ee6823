/**
 * Holds values against their shapes and rules: types, ranges, missing and unknown keys, keys without effect.
 *
 * Looks at one value at a time; what concerns several values or the file system is judged by `project.ts` and its
 * neighbours.
 */

import { findBytes } from "../model/units.ts";
import { findMeantHint } from "./did-you-mean.ts";
import type { Findings, Severity } from "./findings.ts";
import type { Field, Fields, Rule, Shape } from "./schema.ts";
import { describeShape } from "./shape.ts";
import { isTable } from "./source.ts";
import { findChild, listElements, listEntries, type Value } from "./value.ts";

/** Where a check stands, and who takes its findings. */
export interface CheckContext {
  readonly findings: Findings;
  /** Of wrong values; a warning where the value has no effect anyway. */
  readonly severity: Severity;
  /** Of keys that are not known: wrangler warns, under `[nebula]` they are errors. */
  readonly unknown: Severity;
  /** The hint for an unknown key that no known one resembles. */
  readonly explainUnknown: (key: string, table: Value) => string | undefined;
}

/** Checks a key that is in effect: first what its rule says, then its value. */
export function checkField(field: Field, value: Value, context: CheckContext): void {
  const rule = field.rule;
  if (rule?.status === "refused") {
    if (!isNeutral(value.value, rule)) context.findings.onKey(value.path, `is refused: ${toReason(rule)}`);
    return;
  }
  if (rule?.status === "accepted" && !rule.isQuiet && !isNeutral(value.value, rule)) {
    context.findings.onKey(value.path, `has no effect: ${toReason(rule)}`, { severity: "warning" });
  }
  checkShape(field.shape, value, rule?.status === "accepted" ? { ...context, severity: "warning" } : context);
}

/** The reason as messages quote; the table of keys has it in Markdown. */
function toReason({ says }: Rule): string {
  return says.replaceAll("`", '"');
}

/** Checks the value alone. */
export function checkShape(shape: Shape, value: Value, context: CheckContext): void {
  if (shape.kind === "table" && isTable(value.value)) checkTable(shape.fields, value, context);
  else if (shape.kind === "map" && isTable(value.value)) {
    for (const [, child] of listEntries(value)) checkShape(shape.of, child, context);
  } else if (shape.kind === "list" && Array.isArray(value.value)) {
    for (const child of listElements(value)) checkShape(shape.of, child, context);
  } else if (shape.kind === "either" && hasType(shape, value.value)) {
    for (const fitting of shape.of) if (hasType(fitting, value.value)) checkShape(fitting, value, context);
  } else if (!fits(shape, value.value)) {
    const { severity, findings } = context;
    findings.onValue(value.path, `must be ${describeShape(shape)}, is ${describeValue(value.value)}`, {
      severity,
      hint: findValueHint(shape, value.value),
    });
  }
}

function checkTable(fields: Fields, table: Value, context: CheckContext): void {
  for (const [key, value] of listEntries(table)) {
    const field = Object.hasOwn(fields, key) ? fields[key] : undefined;
    if (field) checkField(field, value, context);
    else reportUnknown(key, table, { ...context, known: Object.keys(fields) });
  }
  for (const [key, { isRequired }] of Object.entries(fields)) {
    if (!isRequired || findChild(table, key)) continue;
    context.findings.onKey(table.path, `has no "${key}"`, { severity: context.severity });
  }
}

/** Reports a key that its table does not know. */
export function reportUnknown(key: string, table: Value, context: CheckContext & { known: Iterable<string> }): void {
  const hint = context.explainUnknown(key, table) ?? findMeantHint(key, context.known);
  context.findings.onKey([...table.path, key], "is not a known key", { severity: context.unknown, hint });
}

/** Whether a value asks for nothing, so that it does not matter that its key is not honoured. */
function isNeutral(value: unknown, { neutral }: Rule): boolean {
  return neutral === undefined ? isEmpty(value) : value === neutral;
}

function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return value === false || value === "" || (isTable(value) && Object.values(value).every(isEmpty));
}

function fits(shape: Shape, value: unknown): boolean {
  if (shape.kind === "count") return Number.isSafeInteger(value) && isWithin(value, shape);
  if (shape.kind === "amount") return isWithin(value, shape);
  if (shape.kind === "size") {
    const bytes = typeof value === "string" ? findBytes(value) : value;
    return Number.isSafeInteger(bytes) && isWithin(bytes, shape);
  }
  if (shape.kind === "word") return typeof value === "string" && shape.words.includes(value);
  return hasType(shape, value);
}

function isWithin(value: unknown, { min, max }: { readonly min: number; readonly max: number }): boolean {
  return typeof value === "number" && value >= min && value <= max;
}

function hasType(shape: Shape, value: unknown): boolean {
  switch (shape.kind) {
    case "text":
    case "binding":
    case "word":
      return typeof value === "string";
    case "flag":
      return typeof value === "boolean";
    case "number":
    case "count":
    case "amount":
      return typeof value === "number" && Number.isFinite(value);
    case "size":
      return typeof value === "string" || typeof value === "number";
    case "list":
      return Array.isArray(value);
    case "map":
    case "table":
      return isTable(value);
    case "either":
      return shape.of.some((alternative) => hasType(alternative, value));
    case "anything":
      return true;
  }
}

const MAX_SHOWN = 40;

/** The value in words; tables and lists are not shown, because anything may be in them. */
function describeValue(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (value instanceof Date) return "a date";
  if (isTable(value)) return "a table";
  if (typeof value !== "string") return String(value);
  return JSON.stringify(value.length > MAX_SHOWN ? `${value.slice(0, MAX_SHOWN)}…` : value);
}

function findValueHint(shape: Shape, value: unknown): string | undefined {
  if (shape.kind === "word" && typeof value === "string") return findMeantHint(value, shape.words);
  if (shape.kind === "list" && hasType(shape.of, value)) return "put it in [ ]";
  if (hasType(shape, "") && value instanceof Date) return "put it in quotes";
  if ((shape.kind === "flag" && (value === "true" || value === "false")) || isQuotedNumber(shape, value)) {
    return "leave the quotes out";
  }
  return undefined;
}

function isQuotedNumber(shape: Shape, value: unknown): boolean {
  const isNumeric = shape.kind === "count" || shape.kind === "amount" || shape.kind === "number";
  return isNumeric && typeof value === "string" && /^\d+(?:\.\d+)?$/.test(value);
}
