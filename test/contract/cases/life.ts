/** Instances come, are apart from each other, and go without a trace. */

import { expect } from "vitest";
import { ask, askText, bytesOf, rejectionOf, until } from "../../support/capabilities.ts";
import { gather } from "../../support/guest-source.ts";
import type { ContractCase } from "../contract.ts";

/** What the functions of these cases do. */
const guest = gather({
  count: "() => new Response(String(globalThis.count = (globalThis.count ?? 0) + 1))",
  work: "() => { for (const end = Date.now() + 80; Date.now() < end; ); return new Response('done'); }",
  never: "() => new Promise(() => {})",
  begin: `() => new Response(new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode("begin")),
  }))`,
  echo: "async (request) => new Response(await request.text())",
  ok: "() => new Response('ok')",
});

const COUNTER = guest("count");
const signal = new AbortController().signal;

export const LIFE_CASES: readonly ContractCase[] = [
  {
    name: "two instances share no state",
    run: async ({ prepare }) => {
      const prepared = await prepare(COUNTER);
      await using first = await prepared.start({ signal });
      await using second = await prepared.start({ signal });
      expect([await askText(first), await askText(first), await askText(second)]).toEqual(["1", "2", "1"]);
    },
  },
  {
    name: "prepare() leaves nothing behind in the instances that follow",
    run: async ({ start }) => {
      expect(await askText(await start(COUNTER))).toBe("1");
    },
  },
  {
    name: "what a function uses is told by its instance, or by the engine for all that share processes",
    run: async ({ engine, start }) => {
      const instance = await start(guest("work"));
      const findUsage = async () => (await instance.findUsage?.()) ?? (await engine.findUsage?.());
      const before = await findUsage();
      // Asked again, because on a loaded machine it has little of the processor while its time passes.
      await until("its processor time has grown", async () => {
        expect(await askText(instance)).toBe("done");
        return ((await findUsage())?.cpuMs ?? 0) - (before?.cpuMs ?? 0) >= 40;
      });
      expect((await findUsage())?.memoryBytes).toBeGreaterThan(1_000_000);
      await instance[Symbol.asyncDispose]();
      expect(await instance.findUsage?.()).toBeUndefined();
    },
  },
  {
    name: "dispose() ends requests under way, and twice is quiet",
    run: async ({ prepare }) => {
      const prepared = await prepare(guest("never"));
      const instance = await prepared.start({ signal });
      const waiting = rejectionOf(ask(instance));
      await instance[Symbol.asyncDispose]();
      await instance[Symbol.asyncDispose]();
      expect((await waiting).code).toBe("NEBULA_GUEST_EXITED");
      expect(await instance.ended).toBeUndefined();
      await prepared[Symbol.asyncDispose]();
      await prepared[Symbol.asyncDispose]();
    },
  },
  {
    name: "dispose() in the middle of a body fails the body and settles",
    needs: "streaming",
    run: async ({ start }) => {
      const instance = await start(guest("begin"));
      const { body, settled } = await ask(instance);
      await instance[Symbol.asyncDispose]();
      expect((await rejectionOf(bytesOf(body))).code).toBe("NEBULA_GUEST_EXITED");
      await settled;
    },
  },
  {
    name: "fetch() of a disposed instance fails with NEBULA_GUEST_EXITED",
    run: async ({ start }) => {
      const instance = await start(COUNTER);
      await instance[Symbol.asyncDispose]();
      expect((await rejectionOf(ask(instance))).code).toBe("NEBULA_GUEST_EXITED");
    },
  },
  {
    name: "start() that is cancelled fails and leaves no instance",
    run: async ({ prepare }) => {
      const prepared = await prepare({
        files: {
          "index.ts": `await new Promise((resolve) => setTimeout(resolve, 300));
            export default { fetch: () => new Response("ok") };`,
        },
      });
      const cancel = new AbortController();
      const starting = rejectionOf(prepared.start({ signal: cancel.signal }));
      cancel.abort();
      expect((await starting).code).toBe("NEBULA_START_FAILED");
    },
  },
  {
    name: "an instance is used again and again without growing",
    run: async ({ start }) => {
      const instance = await start(guest("echo"));
      for (let i = 0; i < 500; i++) expect(await askText(instance, { method: "POST", body: `${i}` })).toBe(`${i}`);
    },
  },
  {
    name: "nothing is kept of requests that are over: timers, handles, listeners",
    run: async ({ start }) => {
      const instance = await start(guest("ok"));
      await askText(instance);
      const before = process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
      for (let i = 0; i < 50; i++) {
        const { body, settled } = await ask(instance);
        await bytesOf(body);
        await settled;
      }
      await until(
        "timers are gone",
        () => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length <= before,
      );
    },
  },
];
