/**
 * Names of fields, cases and flags.
 */

import { ComponentLinkError } from "./trap.guest.ts";

const LABEL = /^[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z][A-Za-z0-9]*)*$/;

/** The name as WIT has it. What is none (`__proto__`) is refused, since it is to be a property. */
export function checkLabel(name: string): string {
  if (!LABEL.test(name)) throw new ComponentLinkError(`"${name}" is no name of a field, case or flag`);
  return name;
}

/** `status-code` → `statusCode`. */
export function toKey(name: string): string {
  return checkLabel(name).replace(/-(.)/g, (_all, first: string) => first.toUpperCase());
}

/** All of them; a name that is there twice is refused. */
export function checkDistinct(names: readonly string[]): void {
  const seen = new Set(names.map((name) => name.toLowerCase()));
  if (seen.size < names.length) throw new ComponentLinkError(`a type has two parts of one name`);
}
