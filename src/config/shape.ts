/**
 * Shapes: makes the descriptions of values, and puts them into words.
 *
 * One description serves three readers: `check.ts` holds values against it, messages name what is wanted, and the
 * table of `docs/compatibility.md` is written from it.
 */

import { formatBytes } from "../model/units.ts";
import type { Field, Rule, Shape } from "./schema.ts";

/** Any text. */
export const TEXT: Shape = { kind: "text" };
/** The name of a binding: an identifier of JavaScript. */
export const BINDING: Shape = { kind: "binding" };
/** `true` or `false`. */
export const FLAG: Shape = { kind: "flag" };
/** Any number. */
export const NUMBER: Shape = { kind: "number" };
/** Whatever the file's format can write. */
export const ANYTHING: Shape = { kind: "anything" };
/** A list of texts. */
export const TEXTS: Shape = { kind: "list", of: TEXT };

/** A whole number from `min` to `max`. */
export function toCount(min: number, max: number): Shape {
  return { kind: "count", min, max };
}

/** A number from `min` to `max`, whole or not. */
export function toAmount(min: number, max: number): Shape {
  return { kind: "amount", min, max };
}

/** A size from `min` to `max` bytes. */
export function toSize(min: number, max: number): Shape {
  return { kind: "size", min, max };
}

/** One of these words. */
export function toWord(...words: readonly string[]): Shape {
  return { kind: "word", words };
}

/** A list of values of one shape. */
export function toList(of: Shape): Shape {
  return { kind: "list", of };
}

/** A table with free keys. */
export function toMap(of: Shape): Shape {
  return { kind: "map", of };
}

/** The first alternative whose type fits. */
export function toEither(...of: readonly Shape[]): Shape {
  return { kind: "either", of };
}

/** A table with known keys. A bare shape stands for an optional key without a rule of its own. */
export function toTable(fields: Readonly<Record<string, Shape | Field>>): Shape {
  return {
    kind: "table",
    fields: Object.fromEntries(
      Object.entries(fields).map(([name, field]) => [
        name,
        "kind" in field ? { shape: field, isRequired: false } : field,
      ]),
    ),
  };
}

/** A key without which its table means nothing. */
export function toRequired(shape: Shape, rule?: Rule): Field {
  return { shape, isRequired: true, ...(rule && { rule }) };
}

/** The shape in words, as messages put it after "must be": `a whole number from 1 to 300000`. */
export function describeShape(shape: Shape): string {
  switch (shape.kind) {
    case "text":
    case "binding":
      return "a string";
    case "flag":
      return "true or false";
    case "number":
      return "a number";
    case "count":
      return `a whole number from ${shape.min} to ${shape.max}`;
    case "amount":
      return `a number from ${shape.min} to ${shape.max}`;
    case "size":
      return `a size from ${formatBytes(shape.min)} to ${formatBytes(shape.max)}`;
    case "word":
      return `${shape.words.length > 1 ? "one of " : ""}${shape.words.map((word) => `"${word}"`).join(", ")}`;
    case "list":
      return `a list, each ${describeShape(shape.of)}`;
    case "map":
      return `a table, each value ${describeShape(shape.of)}`;
    case "table":
      return "a table";
    case "either":
      return shape.of.map(describeShape).join(", or ");
    case "anything":
      return "any value";
  }
}
