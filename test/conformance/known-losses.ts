/** What a function loses against bare Node on purpose, by test and with the reason. */

import type { Lost } from "./wpt-run.ts";

interface KnownLoss {
  /** The path of the test. */
  readonly path: RegExp;
  /** The subtest's name, or all of them. */
  readonly name?: RegExp;
  /** What it failed with, or anything. */
  readonly message?: RegExp;
  readonly reason: string;
}

const KNOWN_LOSSES: readonly KnownLoss[] = [
  { path: /./, message: /Code generation from strings disallowed/, reason: "a function cannot run code from strings" },
];

/** Why the subtest is lost, when that is known and meant. */
export function findReason(path: string, lost: Lost): string | undefined {
  return KNOWN_LOSSES.find(
    (known) =>
      known.path.test(path) && (known.name?.test(lost.name) ?? true) && (known.message?.test(lost.message) ?? true),
  )?.reason;
}
