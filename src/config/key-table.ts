/**
 * The table of keys as documentation: rows for `docs/compatibility.md`, made from the table that validates.
 *
 * The document is written by hand around these rows and committed; a test holds the two against each other.
 */

import { formatBytes } from "../model/units.ts";
import { CONFIG_KEYS } from "./keys.ts";
import type { Field, Fields, Inheritance, Rule, Shape, Status } from "./schema.ts";

/** The cells of a row, in order: `key`, `value`, `status`, `warning`, `in [env.NAME]`, `what Nebula does`. */
export type KeyRow = readonly [string, string, Status, string, string, string];

/** The heads of the columns. */
export const KEY_TABLE_HEAD: readonly string[] = [
  "key",
  "value",
  "status",
  "warning",
  "in `[env.NAME]`",
  "what Nebula does",
];

/** One row per key of the top level, and per key inside a table that has a rule of its own. */
export function listKeyRows(): readonly KeyRow[] {
  return Object.entries(CONFIG_KEYS).flatMap(([name, key]) => [
    toRow(name, key, { rule: key.rule, inheritance: key.inheritance }),
    ...listInner(name, key.shape),
  ]);
}

/** A row, or the head, as a line of Markdown. */
export function formatKeyRow(row: readonly string[]): string {
  return `| ${row.join(" | ")} |`;
}

function listInner(path: string, shape: Shape): readonly KeyRow[] {
  if (shape.kind === "list") return listInner(`${path}[]`, shape.of);
  if (shape.kind === "map") return listInner(`${path}.*`, shape.of);
  if (shape.kind === "either") return shape.of.flatMap((alternative) => listInner(path, alternative));
  if (shape.kind !== "table") return [];
  return Object.entries(shape.fields).flatMap(([name, field]) => {
    const inner = `${path}.${name}`;
    return [...(field.rule ? [toRow(inner, field, { rule: field.rule })] : []), ...listInner(inner, field.shape)];
  });
}

const INHERITANCE: Readonly<Record<Inheritance, string>> = {
  inherited: "inherited",
  own: "not inherited",
  top: "top level only",
  "each key": "inherited key by key",
};

function toRow(path: string, field: Field, { rule, inheritance }: { rule: Rule; inheritance?: Inheritance }): KeyRow {
  const warning = { honoured: "", accepted: rule.isQuiet ? "no" : "yes", refused: "error" }[rule.status];
  const env = inheritance === undefined ? "" : INHERITANCE[inheritance];
  const value = `${toWords(field.shape)}${field.isRequired ? ", required" : ""}`;
  return [`\`${path}\``, value, rule.status, warning, env, toSentence(rule)];
}

function toSentence({ status, says }: Rule): string {
  if (status === "honoured") return says;
  const first = says.startsWith("`") ? says.slice(0, 1) : says.slice(0, 1).toUpperCase();
  return `${first}${says.slice(1)}.`;
}

function toWords(shape: Shape): string {
  switch (shape.kind) {
    case "text":
    case "binding":
      return "string";
    case "flag":
      return "boolean";
    case "number":
      return "number";
    case "count":
    case "amount":
      return `${shape.min}–${shape.max}`;
    case "size":
      return `${formatBytes(shape.min)}–${formatBytes(shape.max)}`;
    case "word":
      return shape.words.map((word) => `\`${word}\``).join(", ");
    case "list":
      return `list of ${toWords(shape.of)}`;
    case "map":
      return `table of ${toWords(shape.of)}`;
    case "table":
      return toNames(shape.fields);
    case "either":
      return shape.of.map(toWords).join(" or ");
    case "anything":
      return "any";
  }
}

/** The keys of a table without rules of their own, which have no rows: `{ binding, simple: { limit, period } }`. */
function toNames(fields: Fields): string {
  const names = Object.entries(fields)
    .filter(([, { rule }]) => rule === undefined)
    .map(([name, { shape }]) => `${name}${toInnerNames(shape)}`);
  return names.length === 0 ? "table" : `\`{ ${names.join(", ")} }\``;
}

function toInnerNames(shape: Shape): string {
  if (shape.kind === "either") return shape.of.map(toInnerNames).join("");
  const isList = shape.kind === "list";
  const inner = isList || shape.kind === "map" ? shape.of : shape;
  if (inner.kind !== "table") return "";
  const names = toNames(inner.fields).replaceAll("`", "");
  return isList ? `: [${names}]` : `: ${names}`;
}
