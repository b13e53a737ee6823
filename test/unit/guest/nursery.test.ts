import { tmpdir } from "node:os";
import { expect, it, onTestFinished } from "vitest";
import { buildGuestBootstrap } from "../../../src/build/guest-bootstrap.ts";
import { Nursery } from "../../../src/engine/guest/nursery.ts";
import { createSandbox, inspectMachine } from "../../../src/engine/guest/sandbox.ts";
import { silentLog } from "../../../src/model/ports.ts";
import { rejectionOf, until } from "../../support/capabilities.ts";
import { createFakeClock } from "../../support/fake-clock.ts";
import { BOOTSTRAP_ENTRY } from "../../support/isolate-lab.ts";
import { childrenOf } from "../../support/processes.ts";

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

it.each([
  ["whose code never comes", () => new Promise<string>(() => {})],
  ["that never is ready", async () => "setInterval(() => {}, 1_000);"],
])("a process %s is not waited for when whoever asked leaves, nor at the end", async (_, bootstrap) => {
  const before = childrenOf();
  const clock = createFakeClock();
  const sandbox = createSandbox(inspectMachine());
  const nursery = new Nursery({ sandbox, bootstrap, cwd: tmpdir(), spare: 0, clock, log: silentLog });
  const leave = new AbortController();
  const left = rejectionOf(nursery.take(2 ** 28, leave.signal));
  leave.abort();
  expect((await left).message).toContain("the start was cancelled");
  const stopped = rejectionOf(nursery.take(2 ** 28));
  await nursery[Symbol.asyncDispose]();
  expect((await stopped).code).toBe("NEBULA_DRAINING");
  expect(childrenOf().filter((pid) => !before.includes(pid))).toEqual([]);
});

it("a size that nobody asks for any more is let go, unless it is the default", async () => {
  const clock = createFakeClock();
  const before = childrenOf();
  const started = () => childrenOf().filter((pid) => !before.includes(pid));
  const nursery = new Nursery({
    sandbox: createSandbox(inspectMachine()),
    bootstrap: await buildGuestBootstrap(BOOTSTRAP_ENTRY),
    cwd: tmpdir(),
    spare: 1,
    clock,
    log: silentLog,
  });
  onTestFinished(() => nursery[Symbol.asyncDispose]());
  expect(started()).toEqual([]);
  const guest = await nursery.take(2 ** 28);
  await nursery.fill();
  await guest.end();
  expect(started()).toHaveLength(1);
  clock.pass(119_000);
  expect(started()).toHaveLength(1);
  clock.pass(2_000);
  await until("the spare one is gone", () => started().length === 0);
});
