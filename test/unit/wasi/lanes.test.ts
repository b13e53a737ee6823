import { describe, expect, it, onTestFinished } from "vitest";
import type { HostedProgram } from "../../../src/engine/wasi/hosted-program.ts";
import type { HostHead } from "../../../src/engine/wasi/protocol.ts";
import { StateHold } from "../../../src/engine/wasi/state-hold.ts";
import { NebulaError } from "../../../src/model/errors.ts";
import { rejectionOf } from "../../support/capabilities.ts";
import { turns } from "../../support/peer-pair.ts";
import { type Asked, createProgram, type FakeGuest, type LanesLab, openLanesLab } from "../../support/wasi-lanes.ts";

const OK = { head: { status: 200, headers: [], startMs: 0, busyMs: 0.1 }, body: null };
const LOADED = { head: {}, body: null };

function open(options?: Parameters<typeof openLanesLab>[0]): LanesLab {
  const lab = openLanesLab(options);
  onTestFinished(() => lab[Symbol.asyncDispose]());
  return lab;
}

function firstOf({ guests: [guest] }: LanesLab): FakeGuest {
  if (guest === undefined) throw new Error("no process was started");
  return guest;
}

function answerTo({ head }: Asked) {
  return head.op === "fetch" ? OK : LOADED;
}

/** What a process was asked last, of a kind. */
function lastOf(guest: FakeGuest | undefined, op: HostHead["op"]): Asked {
  const found = guest?.asked.findLast(({ head }) => head.op === op);
  if (found === undefined) throw new Error(`nothing asked: ${op}`);
  return found;
}

function countOf(guest: FakeGuest, op: HostHead["op"]): number {
  return guest.asked.filter(({ head }) => head.op === op).length;
}

/** The first process, with the programs loaded. */
async function start(lab: LanesLab, ...programs: readonly HostedProgram[]): Promise<FakeGuest> {
  for (const program of programs) {
    const loading = lab.lanes.load(program, { signal: new AbortController().signal });
    await turns();
    lastOf(lab.guests[0], "load").answer(LOADED);
    await loading;
  }
  return firstOf(lab);
}

function load(lab: LanesLab, program: HostedProgram): Promise<void> {
  const loading = lab.lanes.load(program, { signal: new AbortController().signal });
  loading.catch(() => {});
  return loading;
}

function ask(lab: LanesLab, program: HostedProgram, signal = new AbortController().signal) {
  const call = { head: { method: "GET", url: "http://localhost/", headers: [] }, body: null, signal };
  const answer = lab.lanes.fetch(program, { call, requestId: "r", onLog: () => {} });
  answer.catch(() => {});
  return answer;
}

/** An answer that comes in two parts: that the process begins, and that the program is there. */
function inTwoParts() {
  const done = Promise.withResolvers<void>();
  const body = new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      await done.promise;
      controller.close();
    },
  });
  return { answer: { head: {}, body }, finish: done.resolve };
}

/** A request that waits in a process, as that has said: the process is free for others. */
async function sleepIn(lab: LanesLab, guest: FakeGuest, program: HostedProgram) {
  const answer = ask(lab, program);
  await turns();
  expect(countOf(guest, "fetch")).toBe(1);
  await lab.work(guest, 100);
  return { answer };
}

describe("a program", () => {
  it("is loaded elsewhere when its process has not begun with it and turns to nothing any more", async () => {
    const lab = open();
    const [sleeper, late] = [createProgram("sleeper"), createProgram("late")];
    const guest = await start(lab, sleeper);
    await sleepIn(lab, guest, sleeper);
    guest.isHung = true;
    const loading = load(lab, late);
    await lab.work(guest, 500);
    expect(lab.guests).toHaveLength(2);
    lastOf(lab.guests[1], "load").answer(LOADED);
    await loading;
    guest.isHung = false;
    await turns();
    expect(countOf(guest, "unload")).toBe(1);
  });

  it("is left where it is for as long as it may take, once its process has begun with it", async () => {
    const lab = open();
    const [sleeper, slow] = [createProgram("sleeper"), createProgram("slow", { startMs: 4_000 })];
    const guest = await start(lab, sleeper);
    await sleepIn(lab, guest, sleeper);
    const loading = load(lab, slow);
    await turns();
    const { answer, finish } = inTwoParts();
    lastOf(guest, "load").answer(answer);
    await turns();
    guest.isHung = true;
    await lab.work(guest, 3_900);
    guest.isHung = false;
    finish();
    await loading;
    expect(lab.guests).toHaveLength(1);
  });

  it("that takes longer than it may to compile is to blame where nothing else runs", async () => {
    const lab = open();
    const failed = rejectionOf(load(lab, createProgram("slow", { startMs: 1_000 })));
    await turns();
    const guest = firstOf(lab);
    lastOf(guest, "load").answer(inTwoParts().answer);
    await lab.work(guest, 1_100);
    expect(await failed).toMatchObject({ code: "NEBULA_START_FAILED", message: expect.stringContaining("compile") });
    expect(guest.reason?.code).toBe("NEBULA_START_FAILED");
    expect(lab.guests.slice(1).flatMap(({ asked }) => asked)).toEqual([]);
  });

  it("that takes longer than it may beside others is tried once more by itself, and so are they", async () => {
    const lab = open();
    const [sleeper, slow] = [createProgram("sleeper"), createProgram("slow", { startMs: 1_000 })];
    const guest = await start(lab, sleeper);
    const { answer } = await sleepIn(lab, guest, sleeper);
    const loading = load(lab, slow);
    await turns();
    lastOf(guest, "load").answer(inTwoParts().answer);
    await lab.work(guest, 1_100);
    expect(guest.reason?.code).toBe("NEBULA_GUEST_EXITED");
    for (let i = 0; i < 8; i++) {
      for (const { asked } of lab.guests.slice(1)) for (const one of asked) one.answer(answerTo(one));
      await lab.work(guest, 20);
    }
    await expect(loading).resolves.toBeUndefined();
    await expect(answer).resolves.toMatchObject({ head: { status: 200 } });
  });

  it("that is only tried takes its state directory from no request", async () => {
    const lab = open();
    const hold = new StateHold();
    const program = createProgram("keeper", {}, hold);
    const request = { program, lane: lab };
    hold.take(request);
    const lane = await lab.open();
    const loading = lane.load(program);
    await turns();
    lastOf(lab.guests[0], "load").answer(LOADED);
    await loading;
    expect(hold.isTaken).toBe(true);
    expect(hold.take(request)).toBe(true);
  });

  it("is loaded again when its process has ended because of another", async () => {
    const lab = open();
    const [sleeper, late] = [createProgram("sleeper", { cpuMs: 1_000 }), createProgram("late")];
    const guest = await start(lab, sleeper);
    await sleepIn(lab, guest, sleeper);
    const loading = load(lab, late);
    await turns();
    guest.live.kill(new NebulaError("NEBULA_MEMORY_LIMIT", "Cannot go on", { details: { function: "sleeper" } }));
    await lab.work(guest, 100);
    lastOf(lab.guests.at(-1), "load").answer(LOADED);
    await expect(loading).resolves.toBeUndefined();
  });
});

describe("a request", () => {
  it("whose client has left while its program was loaded is never begun", async () => {
    const lab = open();
    const client = new AbortController();
    const failed = rejectionOf(ask(lab, createProgram("late"), client.signal));
    await turns();
    const guest = firstOf(lab);
    client.abort();
    lastOf(guest, "load").answer(LOADED);
    expect((await failed).code).toBe("NEBULA_CLIENT_GONE");
    await turns();
    expect(countOf(guest, "fetch")).toBe(0);
  });

  it("that is sent after a question for a sign of life is not what the answer speaks of", async () => {
    const lab = open({ maxCount: 1 });
    const [first, other] = [createProgram("first"), createProgram("other")];
    const guest = await start(lab, other);
    guest.keepsPings = true;
    void ask(lab, first);
    await lab.work(guest, 50);
    const ping = lastOf(guest, "ping");
    lastOf(guest, "load").answer(LOADED);
    await turns();
    expect(countOf(guest, "fetch")).toBe(1);
    ping.answer(LOADED);
    await turns();
    void ask(lab, other);
    await turns();
    expect(countOf(guest, "fetch")).toBe(1);
  });

  it("that nobody waits for any more keeps its place until its process has turned to others", async () => {
    const lab = open();
    const [left, late] = [createProgram("left", { waitUntilMs: 100 }), createProgram("late")];
    const guest = await start(lab, left);
    const client = new AbortController();
    const failed = rejectionOf(ask(lab, left, client.signal));
    await turns();
    client.abort();
    await failed;
    // It has taken note of that, and loops.
    await turns();
    guest.isHung = true;
    await lab.work(guest, 400);
    const loading = load(lab, late);
    await lab.work(guest, 50);
    lastOf(lab.guests[1], "load").answer(LOADED);
    await loading;
  });
});

describe("a process", () => {
  it("that works for long without a sign of life and without a request is ended", async () => {
    const lab = open();
    const guest = await start(lab, createProgram("idle"));
    guest.isHung = true;
    await lab.work(guest, 4_000);
    expect(guest.reason).toMatchObject({ code: "NEBULA_GUEST_EXITED", details: { limit: "cpuMs" } });
  });

  it("that is at something unknown is given nothing", async () => {
    const lab = open();
    const guest = await start(lab, createProgram("idle"));
    guest.isHung = true;
    await lab.work(guest, 1_200);
    const loading = load(lab, createProgram("late"));
    await lab.work(guest, 50);
    lastOf(lab.guests[1], "load").answer(LOADED);
    await loading;
  });
});
