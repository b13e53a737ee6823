/** As much of JSON Schema 2020-12 as the site's own description uses; a keyword that is not known is a fault. */

import { isDeepStrictEqual } from "node:util";

export interface Schema {
  readonly [keyword: string]: unknown;
}

const FORMATS: Readonly<Record<string, (text: string) => boolean>> = {
  uri: (text) => URL.canParse(text),
  "date-time": (text) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) && !Number.isNaN(Date.parse(text)),
};

const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === "string",
  integer: (value) => Number.isInteger(value),
  boolean: (value) => typeof value === "boolean",
  array: Array.isArray,
  object: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
};

/** Whatever is wrong with `value`, each with its place. `root` is the document that `$ref` points into. */
export function findSchemaFaults(value: unknown, schema: Schema, root: object, place = "$"): string[] {
  const faults: string[] = [];
  const say = (fault: string) => faults.push(`${place}: ${fault}`);
  const check = (part: unknown, by: unknown, at: string) =>
    faults.push(...findSchemaFaults(part, by as Schema, root, `${place}${at}`));
  const number = Number(value);
  const text = typeof value === "string" ? value : "";
  const list = Array.isArray(value) ? value : [];
  const entries = TYPES.object?.(value) ? Object.entries(value as object) : [];
  const properties = (schema.properties ?? {}) as Record<string, unknown>;

  const keywords: Readonly<Record<string, (wanted: never) => void>> = {
    $ref: (path: string) => check(value, resolve(root, path), ""),
    type: (name: string) => TYPES[name]?.(value) || say(`is no ${name}`),
    enum: (all: unknown[]) => all.includes(value) || say("is none of the enum"),
    const: (wanted: unknown) => isDeepStrictEqual(value, wanted) || say(`is not ${wanted}`),
    minimum: (min: number) => number >= min || say(`is less than ${min}`),
    maximum: (max: number) => number <= max || say(`is more than ${max}`),
    minLength: (min: number) => [...text].length >= min || say("is too short"),
    maxLength: (max: number) => [...text].length <= max || say("is too long"),
    minItems: (min: number) => list.length >= min || say("has too few items"),
    maxItems: (max: number) => list.length <= max || say("has too many items"),
    pattern: (source: string) => new RegExp(source, "u").test(text) || say(`does not match ${source}`),
    format: (name: string) => FORMATS[name]?.(text) || say(`is no ${name}`),
    items: (by: unknown) => {
      for (const [i, item] of list.entries()) check(item, by, `[${i}]`);
    },
    properties: () => {
      for (const [name, part] of entries) if (name in properties) check(part, properties[name], `.${name}`);
    },
    required: (names: string[]) => {
      for (const name of names) if (!entries.some(([each]) => each === name)) say(`lacks ${name}`);
    },
    additionalProperties: () => {
      for (const [name] of entries) if (!(name in properties)) say(`has ${name}, which is not described`);
    },
    description: () => {},
    default: () => {},
  };
  for (const [keyword, wanted] of Object.entries(schema)) {
    const apply = keywords[keyword];
    if (apply) apply(wanted as never);
    else say(`"${keyword}" is a keyword that this test does not know`);
  }
  return faults;
}

/** `#/components/schemas/Meme` → what stands there. */
function resolve(root: object, path: string): unknown {
  let at: unknown = root;
  for (const name of path.split("/").slice(1)) at = (at as Record<string, unknown>)[name];
  if (at === undefined) throw new Error(`There is no ${path}`);
  return at;
}
