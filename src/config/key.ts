/**
 * Keys: makes the rules by which Nebula treats each key of the configuration.
 */

import type { Field, Inheritance, Key, Rule, Shape } from "./schema.ts";

/** A rule for what Nebula does. */
export function toHonoured(says: string): Rule {
  return { status: "honoured", isQuiet: true, says };
}

/** A rule for what has no effect although an author may count on it; `says` is the reason, a clause. */
export function toAccepted(says: string): Rule {
  return { status: "accepted", isQuiet: false, says };
}

/** A rule for what cannot matter on a node of one's own; `says` is the reason, a clause. */
export function toQuiet(says: string): Rule {
  return { status: "accepted", isQuiet: true, says };
}

/** A rule for what would leave the function broken; `says` is the reason, a clause. */
export function toRefused(says: string, neutral?: string | boolean): Rule {
  return { status: "refused", isQuiet: false, says, ...(neutral !== undefined && { neutral }) };
}

/** A key of the top level, from its parts. */
export function toKey(inheritance: Inheritance, shape: Shape, rule: Rule): Key {
  return { inheritance, shape, rule, isRequired: false };
}

/** A key inside a table that has a rule of its own. */
export function toField(shape: Shape, rule: Rule): Field {
  return { shape, rule, isRequired: false };
}
