import { queryObjects } from "node:v8";
import { afterAll, describe, expect, it } from "vitest";
import { ask, askText, noCapabilities, rejectionOf, until } from "../support/capabilities.ts";
import { answering } from "../support/guest-source.ts";
import { openIsolateLab } from "../support/isolate-lab.ts";
import { childrenOf, isAlive } from "../support/processes.ts";
import { engineContract } from "./engine.ts";

const lab = await openIsolateLab();
afterAll(() => lab[Symbol.asyncDispose]());

engineContract("isolate", { engine: lab.engine, build: lab.build });

describe("isolate: its processes", () => {
  const signal = new AbortController().signal;
  const start = async (text: string) => {
    const deployment = await lab.build(answering(text));
    await lab.nursery.fill();
    const prepared = await lab.engine.prepare(deployment, { signal, capabilities: noCapabilities, isProven: false });
    await lab.nursery.fill();
    const before = new Set(childrenOf());
    const instance = await prepared.start({ signal });
    // The instance's process is a blank one of before that is no longer spare: killing tells which.
    return { instance, before };
  };

  it("dispose() of the engine leaves no process, socket or timer", async () => {
    const resources = () => process.getActiveResourcesInfo().sort();
    const [processesBefore, resourcesBefore] = [childrenOf(), resources()];
    const other = await openIsolateLab();
    const prepared = await other.engine.prepare(await other.build(answering("() => new Response('ok')")), {
      signal,
      capabilities: noCapabilities,
      isProven: false,
    });
    const instance = await prepared.start({ signal });
    expect(await askText(instance)).toBe("ok");
    const started = childrenOf().filter((pid) => !processesBefore.includes(pid));
    expect(started.length).toBeGreaterThan(0);
    await instance[Symbol.asyncDispose]();
    await prepared[Symbol.asyncDispose]();
    await other[Symbol.asyncDispose]();
    await other.engine[Symbol.asyncDispose]();
    expect(started.filter(isAlive)).toEqual([]);
    await until("what held the event loop is gone", () => {
      const now = resources();
      return ["PipeWrap", "ProcessWrap", "Timeout"].every(
        (kind) => now.filter((each) => each === kind).length <= resourcesBefore.filter((each) => each === kind).length,
      );
    });
  });

  it("instance.ended tells the reason when its process is killed from outside", async () => {
    const { instance, before } = await start("() => new Promise(() => {})");
    const waiting = rejectionOf(ask(instance));
    // All blank processes and the instance's own: the nursery makes new ones.
    for (const pid of before) process.kill(pid, "SIGKILL");
    const reason = await instance.ended;
    expect(reason?.code).toBe("NEBULA_GUEST_EXITED");
    expect(reason?.details.how).toBe("signal SIGKILL");
    expect((await waiting).code).toBe("NEBULA_GUEST_EXITED");
    await instance[Symbol.asyncDispose]();
  });

  it("a request that never settles keeps nothing of the client that left it", async () => {
    class Client {
      readonly #abort = new AbortController();
      readonly signal = this.#abort.signal;
      leave(): void {
        this.#abort.abort();
      }
    }
    const { instance } = await start("() => new Promise(() => {})");
    const askAndLeave = async () => {
      const client = new Client();
      const asked = rejectionOf(ask(instance, { signal: client.signal }));
      client.leave();
      expect((await asked).code).toBe("NEBULA_CLIENT_GONE");
    };
    for (let i = 0; i < 10; i++) await askAndLeave();
    // The prototype itself counts as one.
    await until("the clients are gone", () => queryObjects(Client, { format: "count" }) <= 1);
    await instance[Symbol.asyncDispose]();
  });

  it("the nursery goes on after its spare processes were killed", async () => {
    const { instance } = await start("() => new Response('again')");
    expect(await askText(instance)).toBe("again");
    await instance[Symbol.asyncDispose]();
  });

  it("the nursery serves a size that is seldom asked for while another is asked for all the time", async () => {
    const MIB = 1024 * 1024;
    let isOver = false;
    const crowd = Array.from({ length: 4 }, async () => {
      while (!isOver) await (await lab.nursery.take(128 * MIB)).end();
    });
    const rare = await lab.nursery.take(48 * MIB);
    isOver = true;
    await rare.end();
    await Promise.all(crowd);
  });

  it("the nursery refuses to start anything once it is closed", async () => {
    const other = await openIsolateLab({ spare: 0 });
    await other[Symbol.asyncDispose]();
    expect((await rejectionOf(other.nursery.take(1))).code).toBe("NEBULA_DRAINING");
  });
});
