/**
 * One suite for every engine: whatever passes it is the same machine to those who send it requests.
 *
 * A case that an engine cannot pass is skipped by what the engine `supports`, or by name with a reason; a skip
 * without a reason, or of a case that does not exist, fails.
 */

import { describe, expect, it } from "vitest";
import { ANSWER_CASES } from "./cases/answers.ts";
import { CAPABILITY_CASES } from "./cases/capabilities.ts";
import { CONSOLE_CASES } from "./cases/console.ts";
import { FAILURE_CASES } from "./cases/failures.ts";
import { LIFE_CASES } from "./cases/life.ts";
import { LIMIT_CASES } from "./cases/limits.ts";
import { MODULE_CASES } from "./cases/modules.ts";
import { SERVICE_CASES } from "./cases/services.ts";
import { STREAMING_CASES } from "./cases/streaming.ts";
import { STYLE_CASES } from "./cases/styles.ts";
import { type ContractCase, type ContractSetup, createContractLab } from "./contract.ts";

const GROUPS: Readonly<Record<string, readonly ContractCase[]>> = {
  answers: ANSWER_CASES,
  streaming: STREAMING_CASES,
  failures: FAILURE_CASES,
  limits: LIMIT_CASES,
  console: CONSOLE_CASES,
  capabilities: CAPABILITY_CASES,
  styles: STYLE_CASES,
  modules: MODULE_CASES,
  services: SERVICE_CASES,
  life: LIFE_CASES,
};

/** Registers all cases for one engine. */
export function engineContract(title: string, setup: ContractSetup): void {
  const { engine, skip = {} } = setup;
  const reasonFor = ({ name, needs }: ContractCase): string | undefined =>
    needs !== undefined && !engine.supports[needs] ? `the engine does not support ${needs}` : skip[name];

  describe(title, () => {
    it("skips only cases that exist, each with a reason", () => {
      const names = Object.values(GROUPS).flatMap((cases) => cases.map(({ name }) => name));
      expect(new Set(names).size).toBe(names.length);
      for (const [name, reason] of Object.entries(skip)) {
        expect(names).toContain(name);
        expect(reason.length).toBeGreaterThan(10);
      }
    });
    for (const [group, cases] of Object.entries(GROUPS)) {
      describe(group, () => {
        for (const each of cases) {
          const reason = reasonFor(each);
          it(each.name, { skip: reason !== undefined }, async () => await each.run(createContractLab(setup)));
          if (reason !== undefined) console.warn(`skipped on ${title}: "${each.name}": ${reason}`);
        }
      });
    }
  });
}
