/**
 * Docker for tests: there, or loudly absent.
 */

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, it } from "vitest";
import { describeDocker } from "../../src/engine/container/docker.ts";
import { systemClock } from "../../src/model/ports.ts";

const run = promisify(execFile);

/** Runs `docker` and gives what it prints. */
export async function docker(...args: string[]): Promise<string> {
  const { stdout } = await run("docker", args, { maxBuffer: 64 * 1024 * 1024 });
  return stdout.trim();
}

/** Registers tests that need Docker. Without it they are skipped with one line about it, and in CI one of them fails. */
export async function withDocker(title: string, register: () => void | Promise<void>): Promise<void> {
  const { isThere, detail } = await describeDocker({ host: process.env.DOCKER_HOST, clock: systemClock });
  if (isThere) {
    await register();
    return;
  }
  console.warn(`skipped: ${title}: ${detail}`);
  describe(title, () => {
    it("needs Docker", { skip: process.env.CI === undefined }, () => {
      throw new Error(`there has to be Docker where CI runs: ${detail}`);
    });
  });
}
