/**
 * Reads values together with the place they came from. What has the wrong type reads as absent: `check.ts` has told.
 */

import { findBytes } from "../model/units.ts";
import { isTable, type Path } from "./source.ts";

/** A value and its path in the file. */
export interface Value {
  readonly path: Path;
  readonly value: unknown;
}

/** What stands under the key of a table. */
export function findChild(table: Value | undefined, key: string): Value | undefined {
  if (table === undefined || !isTable(table.value) || !Object.hasOwn(table.value, key)) return undefined;
  return { path: [...table.path, key], value: table.value[key] };
}

/** The elements of a list; of anything else none. */
export function listElements(list: Value | undefined): readonly Value[] {
  if (list === undefined || !Array.isArray(list.value)) return [];
  return list.value.map((value, index) => ({ path: [...list.path, index], value }));
}

/** The keys and values of a table; of anything else none. */
export function listEntries(table: Value | undefined): readonly (readonly [string, Value])[] {
  if (table === undefined || !isTable(table.value)) return [];
  return Object.entries(table.value).map(([key, value]) => [key, { path: [...table.path, key], value }]);
}

/** The value as text. */
export function findText(value: Value | undefined): string | undefined {
  return typeof value?.value === "string" ? value.value : undefined;
}

/** The value as true or false. */
export function findFlag(value: Value | undefined): boolean | undefined {
  return typeof value?.value === "boolean" ? value.value : undefined;
}

/** The value as a number. */
export function findNumber(value: Value | undefined): number | undefined {
  return typeof value?.value === "number" ? value.value : undefined;
}

/** The value as a number of bytes: a number, or a size with its unit. */
export function findSize(value: Value | undefined): number | undefined {
  return typeof value?.value === "string" ? findBytes(value.value) : findNumber(value);
}

/** The texts of a list; what is no text is left out. */
export function listTexts(list: Value | undefined): readonly string[] {
  return listElements(list).flatMap((element) => findText(element) ?? []);
}

/** The texts of a table; what is no text is left out. */
export function listTextEntries(table: Value | undefined): Readonly<Record<string, string>> {
  return Object.fromEntries(
    listEntries(table).flatMap(([key, value]) => {
      const text = findText(value);
      return text === undefined ? [] : [[key, text] as const];
    }),
  );
}
