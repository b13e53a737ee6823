/** Limits hold, name themselves, and cost nobody else anything. */

import { expect } from "vitest";
import type { Limits } from "../../../src/model/function.ts";
import { ask, askJson, askText, bytesOf, rejectionOf } from "../../support/capabilities.ts";
import { gather } from "../../support/guest-source.ts";
import type { ContractCase } from "../contract.ts";

const MIB = 1024 * 1024;

/** Misbehaves everywhere but at `/ok`. */
const unless = (text: string) => `async (request, env, ctx) => {
  if (new URL(request.url).pathname === "/ok") return new Response("ok");
  ${text}
}`;

const EATERS = {
  "objects on the heap": "objects",
  "one growing array": "array",
  ArrayBuffers: "buffers",
  "Wasm memory": "wasm",
} as const;

/** What the functions of these cases do. */
const guest = gather({
  waits: unless("await new Promise(() => {});"),
  stalls: unless(`const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    return new Response(new ReadableStream({
      async start(c) {
        for (let i = 0; i < 5; i++) { c.enqueue(new TextEncoder().encode(String(i))); await pause(100); }
        if (request.url.endsWith("/ends")) c.close();
      },
    }));`),
  blocks: unless("Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);"),
  loops: unless("for (;;);"),
  works: unless("const end = Date.now() + 20; while (Date.now() < end); return new Response('ok');"),
  later: unless("setTimeout(() => { for (;;); }, 5); return new Response('early');"),
  either: unless("if (request.url.endsWith('/waits')) await new Promise(() => {}); for (;;);"),
  header: unless("return new Response('', { headers: { 'x-long': 'a'.repeat(3000) } });"),
  long: unless(`if (request.url.endsWith("/whole")) return new Response("a".repeat(20_000));
    if (request.url.endsWith("/fits")) return new Response("a".repeat(10_000));
    return new Response(new ReadableStream({ pull: (c) => c.enqueue(new Uint8Array(3000)) }));`),
  background: unless(`if (request.url.endsWith("/state")) return Response.json({ done: globalThis.done ?? false });
    ctx.waitUntil(new Promise((resolve) => setTimeout(resolve, 150)).then(() => { globalThis.done = true; }));
    return new Response("early");`),
  forever: unless(`ctx.waitUntil(new Promise(() => {}));
    ctx.waitUntil(Promise.reject(new Error("in the background")));
    return new Response("early");`),
  objects: unless("const all = []; for (let i = 0; ; i++) all.push({ i, text: 'x'.repeat(i % 100) });"),
  array: unless("const all = []; for (;;) all.push(1);"),
  buffers: unless("const all = []; for (;;) { all.push(new Uint8Array(1e6).fill(1)); await null; }"),
  wasm: unless(
    "const m = new WebAssembly.Memory({ initial: 1, maximum: 65536 }); for (;;) { m.grow(64); new Uint8Array(m.buffer).fill(1); }",
  ),
});
const misbehaving = (way: Parameters<typeof guest>[0], limits: Partial<Limits>) => guest(way, { limits });

export const LIMIT_CASES: readonly ContractCase[] = [
  {
    name: "the wall limit ends a request that waits, and its instance answers the next",
    run: async ({ start }) => {
      const instance = await start(misbehaving("waits", { wallMs: 200 }));
      const error = await rejectionOf(ask(instance));
      expect(error.code).toBe("NEBULA_WALL_LIMIT");
      expect(error.details).toEqual({ limit: "wallMs", value: 200, function: "guest" });
      expect(error.message).toContain("200 ms");
      expect(await askText(instance, { path: "/ok" })).toBe("ok");
    },
  },
  {
    name: "the wall limit counts between two chunks of a body, not over all of it",
    needs: "streaming",
    run: async ({ start }) => {
      const instance = await start(misbehaving("stalls", { wallMs: 400 }));
      expect(await askText(instance, { path: "/ends" })).toBe("01234");
      const { body } = await ask(instance, { path: "/stalls" });
      expect((await rejectionOf(bytesOf(body))).code).toBe("NEBULA_WALL_LIMIT");
      expect(await askText(instance, { path: "/ok" })).toBe("ok");
    },
  },
  {
    name: "the wall limit ends an instance that blocks its thread without using the processor",
    run: async ({ start }) => {
      const instance = await start(misbehaving("blocks", { wallMs: 200 }));
      expect((await rejectionOf(ask(instance))).code).toBe("NEBULA_WALL_LIMIT");
      expect((await instance.ended)?.code).toBe("NEBULA_WALL_LIMIT");
    },
  },
  {
    name: "the CPU limit ends a loop",
    needs: "cpuLimit",
    run: async ({ start }) => {
      const instance = await start(misbehaving("loops", { cpuMs: 150 }));
      const error = await rejectionOf(ask(instance));
      expect(error.code).toBe("NEBULA_CPU_LIMIT");
      expect(error.details).toEqual({ limit: "cpuMs", value: 150, function: "guest" });
      expect(error.message).toContain("150 ms");
      expect((await instance.ended)?.code).toBe("NEBULA_CPU_LIMIT");
    },
  },
  {
    name: "the CPU limit is for one request: many cheap ones in one instance are none of its business",
    needs: "cpuLimit",
    run: async ({ start }) => {
      const instance = await start(misbehaving("works", { cpuMs: 300 }));
      for (let i = 0; i < 30; i++) expect(await askText(instance, { path: "/work" })).toBe("ok");
    },
  },
  {
    name: "the CPU limit counts work after the response",
    needs: "cpuLimit",
    run: async ({ start }) => {
      const instance = await start(misbehaving("later", { cpuMs: 150 }));
      expect(await askText(instance)).toBe("early");
      expect((await instance.ended)?.code).toBe("NEBULA_CPU_LIMIT");
    },
  },
  ...(Object.entries(EATERS).map(([what, way]) => ({
    name: `the memory limit ends a function that fills ${what}`,
    run: async ({ start }) => {
      const instance = await start(misbehaving(way, { memoryBytes: 32 * MIB, wallMs: 20_000 }));
      expect(await askText(instance, { path: "/ok" })).toBe("ok");
      const error = await rejectionOf(ask(instance));
      expect(error.code).toBe("NEBULA_MEMORY_LIMIT");
      expect(error.details).toMatchObject({ function: "guest" });
      expect((await instance.ended)?.code).toBe("NEBULA_MEMORY_LIMIT");
    },
  })) satisfies ContractCase[]),
  {
    name: "every request under way in an instance that breaks a limit fails, and other instances go on",
    needs: "concurrency",
    run: async ({ prepare }) => {
      const prepared = await prepare(misbehaving("either", { cpuMs: 150 }));
      const signal = new AbortController().signal;
      await using broken = await prepared.start({ signal });
      await using whole = await prepared.start({ signal });
      const waiting = [1, 2, 3].map(() => rejectionOf(ask(broken, { path: "/waits" })));
      const looping = rejectionOf(ask(broken));
      for (const error of await Promise.all([...waiting, looping])) expect(error.code).toBe("NEBULA_CPU_LIMIT");
      expect(await askText(whole, { path: "/ok" })).toBe("ok");
    },
  },
  {
    name: "a top level that never ends is stopped after startMs",
    run: async ({ prepare }) => {
      for (const text of ["for (;;);", "await new Promise(() => {});"]) {
        const error = await rejectionOf(
          prepare({ files: { "index.ts": `${text}\nexport default {};` }, limits: { startMs: 250 } }),
        );
        expect(error.code).toBe("NEBULA_PREPARE_FAILED");
        expect(error.message).toContain("its top level took more than 250 ms");
      }
    },
  },
  {
    name: "headers beyond the limit are refused",
    run: async ({ start }) => {
      const instance = await start(misbehaving("header", { headerBytes: 2048 }));
      const error = await rejectionOf(ask(instance));
      expect(error.code).toBe("NEBULA_RESPONSE_INVALID");
      expect(error.message).toContain("2048 bytes");
      expect(await askText(instance, { path: "/ok" })).toBe("ok");
    },
  },
  {
    name: "a body beyond the limit is refused, whole or streamed",
    run: async ({ start }) => {
      const instance = await start(misbehaving("long", { responseBodyBytes: 10_000 }));
      const read = async (path: string) => await bytesOf((await ask(instance, { path })).body);
      for (const path of ["/whole", "/streamed"]) {
        const error = await rejectionOf(read(path));
        expect(error.code).toBe("NEBULA_RESPONSE_TOO_LARGE");
        expect(error.details).toMatchObject({ limit: "responseBodyBytes", value: 10_000, function: "guest" });
      }
      expect(await read("/fits")).toHaveLength(10_000);
    },
  },
  {
    name: "ctx.waitUntil keeps the invocation unsettled until its work is done",
    run: async ({ start }) => {
      const instance = await start(misbehaving("background", {}));
      const { body, settled } = await ask(instance);
      expect((await bytesOf(body)).toString()).toBe("early");
      expect(await askJson(instance, { path: "/state" })).toEqual({ done: false });
      await settled;
      expect(await askJson(instance, { path: "/state" })).toEqual({ done: true });
    },
  },
  {
    name: "ctx.waitUntil is bounded, and work that fails behind it is told on the console",
    run: async ({ start }) => {
      const instance = await start(misbehaving("forever", { waitUntilMs: 200 }));
      const line = Promise.withResolvers<string>();
      const beganMs = performance.now();
      const { settled } = await ask(instance, { onLog: (_, text) => line.resolve(text) });
      expect(await line.promise).toContain("in the background");
      await settled;
      expect(performance.now() - beganMs).toBeGreaterThan(150);
      expect(await askText(instance, { path: "/ok" })).toBe("ok");
    },
  },
];
