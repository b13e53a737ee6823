import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { Docker, describeDocker } from "../../../../src/engine/container/docker.ts";
import { findTrouble, isAway, toDockerError } from "../../../../src/engine/container/docker-error.ts";
import { systemClock } from "../../../../src/model/ports.ts";
import { rejectionOf } from "../../../support/capabilities.ts";
import { createFakeClock } from "../../../support/fake-clock.ts";

const question = { verb: "make tea", socketPath: "/x.sock" };

describe("toDockerError()", () => {
  const CASES = [
    [{ code: "ENOENT" }, "absent", "Docker cannot make tea: it is not there (no socket at /x.sock)"],
    [{ code: "ECONNREFUSED" }, "absent", "Docker cannot make tea: nobody answers at /x.sock"],
    [{ code: "EACCES" }, "denied", "Docker cannot make tea: this user may not use /x.sock"],
    [{ code: "ECONNRESET" }, "gone", "Docker cannot make tea: the connection to it broke (ECONNRESET)"],
    [{ message: "socket hang up" }, "gone", "Docker cannot make tea: the connection to it broke (socket hang up)"],
    [{ statusCode: 404, json: { message: "no such cup" } }, "missing", "Docker cannot make tea: no such cup"],
    [{ statusCode: 409, json: { message: "in use" } }, "conflict", "Docker cannot make tea: in use"],
    [
      { statusCode: 500, message: "write /a: no space left on device" },
      "full",
      "Docker cannot make tea: its disk is full",
    ],
    [{ statusCode: 500, json: { message: "it broke" } }, "refused", "Docker cannot make tea: it broke"],
    ["nonsense", "refused", "Docker cannot make tea: nonsense"],
    [undefined, "refused", "Docker cannot make tea: undefined"],
  ] as const;

  it.each(CASES)("%j is %s", (thrown, trouble, message) => {
    const error = toDockerError(thrown, question);
    expect([error.code, findTrouble(error), error.message]).toEqual(["NEBULA_START_FAILED", trouble, message]);
    expect(isAway(error)).toBe(["absent", "denied", "gone"].includes(trouble));
    expect(toDockerError(error, question)).toBe(error);
  });

  it("keeps what a daemon says short", () => {
    expect(toDockerError({ message: "x".repeat(1e6) }, question).message.length).toBeLessThan(2_000);
  });
});

describe("Docker", () => {
  it("says which socket is missing, and what follows", async () => {
    const { isThere, detail } = await describeDocker({ host: "unix:///no/docker.sock", clock: systemClock });
    expect(isThere).toBe(false);
    expect(detail).toContain("no socket at /no/docker.sock");
    expect(detail).toContain("there are no containers");
  });

  it("gives a question up that nobody answers in time, and those that are open when it is disposed", async () => {
    const path = join(tmpdir(), `nebula-mute-${process.pid}.sock`);
    const mute = createServer(() => {}).listen(path);
    onTestFinished(() => void mute.close());
    const clock = createFakeClock();
    const docker = new Docker({ host: `unix://${path}`, clock });
    const late = rejectionOf(docker.ask("make tea", (api) => api.info(), { limitMs: 1_500 }));
    clock.pass(1_500);
    expect(await late).toMatchObject({
      message: "Docker cannot make tea: it took more than 1.5 s",
      details: { docker: "timeout" },
    });
    const cancel = new AbortController();
    const cancelled = rejectionOf(docker.ask("make tea", (api) => api.info(), { signal: cancel.signal }));
    cancel.abort();
    expect((await cancelled).message).toBe("Docker cannot make tea: it was cancelled");
    const open = rejectionOf(docker.ask("make tea", (api) => api.info()));
    await docker[Symbol.asyncDispose]();
    expect((await open).code).toBe("NEBULA_DRAINING");
    expect(clock.waiting).toBe(0);
  });
});
