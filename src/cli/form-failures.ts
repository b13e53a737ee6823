/**
 * Tells of forms that a function goes without, because they could not be built: it works all the same, in another engine.
 */

import type { FormFailure } from "../build/failed-forms.ts";
import type { Printer } from "./print.ts";

/** Prints a line of warning for each form, and the failure of its build below. */
export function reportFailures(print: Printer, name: string, failures: readonly FormFailure[]): void {
  for (const { engine, error } of failures) {
    print.talk(
      `${name}  ${print.style.yellow("warning")}  it goes without its form for "${engine}", whose build failed`,
    );
    print.report(error);
  }
}
