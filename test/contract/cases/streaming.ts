/** Bodies flow both ways while they are made, and stop when nobody wants them. */

import { expect } from "vitest";
import { ask, askJson, bytesOf, createFeed, rejectionOf, until } from "../../support/capabilities.ts";
import { answering, gather } from "../../support/guest-source.ts";
import type { ContractCase } from "../contract.ts";

/** What the functions of these cases do. */
const guest = gather({
  echo: "(request) => new Response(request.body)",
  bytes: "async (request) => new Response(await request.bytes())",
  upper: `(request) => new Response(request.body
  .pipeThrough(new TextDecoderStream())
  .pipeThrough(new TransformStream({ transform: (text, c) => c.enqueue(text.toUpperCase()) }))
  .pipeThrough(new TextEncoderStream()))`,
  done: '() => new Response("done")',
  late: '() => new Response("late")',
});

const MIB = 1024 * 1024;

/** The reader of a body that must be a stream. */
function readerOf(body: unknown): ReadableStreamDefaultReader<Uint8Array> {
  if (!(body instanceof ReadableStream)) throw new Error("the body is not a stream");
  return body.getReader();
}

async function readText(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string | undefined> {
  const { value } = await reader.read();
  return value === undefined ? undefined : Buffer.from(value).toString();
}

/** Answers `/state` with what has happened, and everything else with what the case is about. */
const watching = (fetchFunction: string) =>
  answering(`async (request, env, ctx) => {
    const state = (globalThis.state ??= {});
    if (new URL(request.url).pathname === "/state") return Response.json(state);
    return await (${fetchFunction})(request, state, ctx);
  }`);

export const STREAMING_CASES: readonly ContractCase[] = [
  {
    name: "a body of several MB is echoed under flow control",
    run: async ({ start }) => {
      const instance = await start(guest("echo"));
      const piece = Buffer.alloc(100_000, "0123456789");
      let left = 40;
      const stream = new ReadableStream<Uint8Array>({
        pull: (controller) => (left-- > 0 ? controller.enqueue(new Uint8Array(piece)) : controller.close()),
      });
      const { body } = await ask(instance, { method: "POST", body: stream });
      const back = await bytesOf(body);
      expect(back.byteLength).toBe(40 * 100_000);
      expect(back.equals(Buffer.concat(Array.from({ length: 40 }, () => piece)))).toBe(true);
    },
  },
  {
    name: "one large array is sent and received whole",
    run: async ({ start }) => {
      const instance = await start(guest("bytes"));
      const bytes = Buffer.alloc(3 * MIB + 7, "abc");
      const { body } = await ask(instance, { method: "POST", body: bytes });
      expect((await bytesOf(body)).equals(bytes)).toBe(true);
    },
  },
  {
    name: "the first byte comes before the last is made",
    needs: "streaming",
    run: async ({ start }) => {
      const instance = await start(
        watching(`(request, state) => new Response(new ReadableStream({
          async start(controller) {
            controller.enqueue(new TextEncoder().encode("first"));
            await new Promise((resolve) => setTimeout(resolve, 100));
            state.ended = true;
            controller.enqueue(new TextEncoder().encode("last"));
            controller.close();
          },
        }))`),
      );
      const { body } = await ask(instance);
      const reader = readerOf(body);
      expect(await readText(reader)).toBe("first");
      expect(await askJson(instance, { path: "/state" })).toEqual({});
      expect(await readText(reader)).toBe("last");
      expect(await readText(reader)).toBeUndefined();
    },
  },
  {
    name: "the request streams in while the response streams out",
    needs: "streaming",
    run: async ({ start }) => {
      const instance = await start(guest("upper"));
      const feed = createFeed();
      const { body } = await ask(instance, { method: "POST", body: feed.stream });
      const reader = readerOf(body);
      for (const word of ["one", "two", "three"]) {
        feed.push(word);
        expect(await readText(reader)).toBe(word.toUpperCase());
      }
      feed.end();
      expect(await readText(reader)).toBeUndefined();
    },
  },
  {
    name: "a function that nobody reads from stops making its body",
    needs: "streaming",
    run: async ({ start }) => {
      const instance = await start(
        watching(`(request, state) => new Response(new ReadableStream({
          pull(controller) {
            state.made = (state.made ?? 0) + 65536;
            controller.enqueue(new Uint8Array(65536));
          },
        }))`),
      );
      const { body } = await ask(instance);
      const reader = readerOf(body);
      await reader.read();
      let before = -1;
      await until("the function has paused", async () => {
        const { made } = Object(await askJson(instance, { path: "/state" }));
        const isPaused = made === before;
        before = made;
        return isPaused;
      });
      expect(before).toBeLessThan(2 * MIB);
      await reader.cancel();
    },
  },
  {
    name: "a client whose function reads nothing is not read from without bound",
    needs: "streaming",
    run: async ({ start }) => {
      const instance = await start(guest("done"));
      let made = 0;
      const stream = new ReadableStream<Uint8Array>(
        {
          pull: (controller) => {
            made += 65_536;
            if (made > 64 * MIB) controller.close();
            else controller.enqueue(new Uint8Array(65_536));
          },
        },
        { highWaterMark: 0 },
      );
      const { body, settled } = await ask(instance, { method: "POST", body: stream });
      expect((await bytesOf(body)).toString()).toBe("done");
      await settled;
      expect(made).toBeLessThan(2 * MIB);
    },
  },
  {
    name: "request.signal aborts when the client leaves before the response",
    needs: "concurrency",
    run: async ({ start }) => {
      const instance = await start(
        watching(`async (request, state) => {
          state.begun = true;
          await new Promise((resolve) => request.signal.addEventListener("abort", resolve));
          state.aborted = request.signal.aborted;
          state.reason = request.signal.reason.name;
          return new Response();
        }`),
      );
      const client = new AbortController();
      const gone = rejectionOf(ask(instance, { signal: client.signal }));
      await until("the function has begun", async () => "begun" in Object(await askJson(instance, { path: "/state" })));
      client.abort();
      expect((await gone).code).toBe("NEBULA_CLIENT_GONE");
      await until("the function saw it", async () => "reason" in Object(await askJson(instance, { path: "/state" })));
      expect(await askJson(instance, { path: "/state" })).toMatchObject({ aborted: true, reason: "AbortError" });
    },
  },
  {
    name: "fetch() of a client that has left already answers nothing",
    run: async ({ start }) => {
      const instance = await start(guest("late"));
      const error = await rejectionOf(ask(instance, { signal: AbortSignal.abort() }));
      expect(error.code).toBe("NEBULA_CLIENT_GONE");
    },
  },
  {
    name: "a client that leaves in the middle of the body cancels it in the function",
    needs: "streaming",
    run: async ({ start }) => {
      const instance = await start(
        watching(`(request, state) => new Response(new ReadableStream({
          pull: async (controller) => {
            await new Promise((resolve) => setTimeout(resolve, 1));
            controller.enqueue(new TextEncoder().encode("more "));
          },
          cancel: () => { state.cancelled = true; },
        }))`),
      );
      const { body, settled } = await ask(instance);
      const reader = readerOf(body);
      await reader.read();
      await reader.cancel();
      await settled;
      await until("it is told", async () => "cancelled" in Object(await askJson(instance, { path: "/state" })));
    },
  },
  {
    name: "call.signal ends a body that is under way",
    needs: "streaming",
    run: async ({ start }) => {
      const instance = await start(
        watching(`(request, state) => new Response(new ReadableStream({
          start: (controller) => controller.enqueue(new TextEncoder().encode("begin")),
          cancel: () => { state.cancelled = true; },
        }))`),
      );
      const client = new AbortController();
      const { body, settled } = await ask(instance, { signal: client.signal });
      const reader = readerOf(body);
      expect(await readText(reader)).toBe("begin");
      client.abort();
      expect((await rejectionOf(reader.read())).code).toBe("NEBULA_CLIENT_GONE");
      await settled;
      await until("it is told", async () => "cancelled" in Object(await askJson(instance, { path: "/state" })));
    },
  },
  {
    name: "a request body that fails on its way is seen by the function as a failure",
    needs: "streaming",
    run: async ({ start }) => {
      const instance = await start(
        watching(`async (request, state) => {
          try { state.read = await request.text(); } catch (error) { state.failed = error.name; }
          return new Response();
        }`),
      );
      const feed = createFeed();
      const answer = ask(instance, { method: "POST", body: feed.stream });
      answer.catch(() => {});
      feed.push("half");
      feed.fail(new Error("the client's socket broke"));
      expect((await rejectionOf(answer)).code).toBe("NEBULA_CLIENT_GONE");
      await until("the function knows", async () => "failed" in Object(await askJson(instance, { path: "/state" })));
      expect(await askJson(instance, { path: "/state" })).toEqual({ failed: "AbortError" });
    },
  },
];
