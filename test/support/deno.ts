/**
 * Deno for tests: there, or loudly absent.
 */

import { describe, it } from "vitest";
import { findDeno } from "../../src/engine/guest/find-deno.ts";
import { toNebulaError } from "../../src/model/errors.ts";

/** Registers tests that need Deno. Without it they are skipped with one line about it, and in CI one of them fails. */
export async function withDeno(title: string, register: () => void | Promise<void>): Promise<void> {
  try {
    findDeno();
  } catch (thrown) {
    const { message } = toNebulaError(thrown);
    console.warn(`skipped: ${title}: ${message}`);
    describe(title, () => {
      it("needs Deno", { skip: process.env.CI === undefined }, () => {
        throw new Error(`there has to be Deno where CI runs: ${message}`);
      });
    });
    return;
  }
  await register();
}
