/**
 * The entry of a function must be there before a tool is asked about it, whose words for that are worse.
 */

import { stat } from "node:fs/promises";
import type { StepName } from "./plan.ts";
import { buildFailed } from "./step.ts";

/** @throws {NebulaError} NEBULA_BUILD_FAILED when there is no such file. `shown` is the path as the owner knows it. */
export async function ensureEntry(main: string, { step, shown }: { step: StepName; shown: string }): Promise<void> {
  const found = await stat(main).catch(() => undefined);
  if (found?.isFile()) return;
  throw buildFailed(step, `Cannot bundle "${shown}": ${found ? "it is not a file" : "there is no such file"}`, {
    hint: 'The configuration names the entry as "main"',
  });
}
