import { tmpdir } from "node:os";
import { expect, it, onTestFinished } from "vitest";
import { Nursery } from "../../../src/engine/guest/nursery.ts";
import { createSandbox, inspectMachine } from "../../../src/engine/guest/sandbox.ts";
import { silentLog } from "../../../src/model/ports.ts";
import { rejectionOf } from "../../support/capabilities.ts";
import { createFakeClock } from "../../support/fake-clock.ts";

it("the guest code is asked for when a process is to be started, and again when that failed", async () => {
  let asked = 0;
  const clock = createFakeClock();
  const nursery = new Nursery({
    sandbox: createSandbox(inspectMachine()),
    bootstrap: async () => {
      asked += 1;
      throw new Error("it cannot be bundled");
    },
    cwd: tmpdir(),
    spare: 0,
    defaultMemoryBytes: 2 ** 28,
    clock,
    log: silentLog,
  });
  onTestFinished(() => nursery[Symbol.asyncDispose]());
  await nursery.fill();
  expect(asked).toBe(0);
  for (const times of [1, 2]) {
    const failed = rejectionOf(nursery.take(2 ** 28));
    clock.pass(60_000);
    expect((await failed).cause).toMatchObject({ message: "it cannot be bundled" });
    expect(asked).toBe(times);
  }
});
