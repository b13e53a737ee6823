/** handleRequest: a request through `wasi:http/incoming-handler`, with guests that are written in JavaScript. */

import { describe, expect, test } from "vitest";
import { CliExit } from "../../../src/engine/wasi/preview2/cli.guest.ts";
import { type ComponentRequest, handleRequest } from "../../../src/engine/wasi/preview2/handle-request.guest.ts";
import type { Body } from "../../../src/model/exchange.ts";
import { createLab, drop, good, isSettled, type Lab, pause, readBody, text, utf8 } from "./preview2-support.ts";

const STREAMS = "wasi:io/streams";

/** What a guest has at hand. */
interface Guest extends Lab {
  readonly request: unknown;
  readonly outparam: unknown;
  http(name: string, ...args: unknown[]): unknown;
  respond(options?: { status?: number; headers?: [string, string][] }): unknown;
  write(stream: unknown, content: string | Uint8Array): unknown;
}

function handle(
  guest: (guest: Guest) => unknown,
  options: { body?: Body; method?: string; signal?: AbortSignal } = {},
) {
  const lab = createLab();
  const http = (name: string, ...args: unknown[]) => lab.call("wasi:http/types", name, ...args);
  const request: ComponentRequest = {
    method: "GET",
    url: "http://example.com/x?y",
    headers: ["host", "example.com"],
    body: null,
    signal: new AbortController().signal,
    ...options,
  };
  const calls: unknown[] = [];
  const instance = {
    call: async (path: string, name: string, [incoming, outparam]: readonly unknown[]) => {
      calls.push([path, name]);
      await guest({
        ...lab,
        request: incoming,
        outparam,
        http,
        respond: ({ status = 200, headers = [] } = {}) => {
          const fields = good(
            http(
              "[static]fields.from-list",
              headers.map(([key, value]) => [key, utf8(value)]),
            ),
          );
          const response = http("[constructor]outgoing-response", fields);
          good(http("[method]outgoing-response.set-status-code", response, status));
          const body = good(http("[method]outgoing-response.body", response));
          http("[static]response-outparam.set", outparam, { tag: "ok", val: response });
          return body;
        },
        write: (stream, content) =>
          lab.call(
            STREAMS,
            "[method]output-stream.blocking-write-and-flush",
            stream,
            typeof content === "string" ? utf8(content) : content,
          ),
      });
    },
  };
  return { ...handleRequest(instance, request, lab.preview2), lab, calls };
}

const finish = ({ http }: Guest, body: unknown, trailers?: unknown) =>
  good(http("[static]outgoing-body.finish", body, trailers));
const openBody = ({ http }: Guest, body: unknown) => good(http("[method]outgoing-body.write", body));

/** Writes one piece and is done. */
function answer(guest: Guest, content: string, options?: Parameters<Guest["respond"]>[0]): void {
  const body = guest.respond(options);
  const stream = openBody(guest, body);
  good(guest.write(stream, content));
  drop(stream);
  finish(guest, body);
}

describe("an answer", () => {
  test("that is written at once goes out in one piece, after the head was set", async () => {
    const {
      answer: coming,
      settled,
      calls,
    } = handle((guest) => answer(guest, "hello", { status: 201, headers: [["X-A", "é"]] }));
    const { head, body, trailers } = await coming;
    expect(head.status).toBe(201);
    expect(head.headers).toEqual(["x-a", Buffer.from("é").toString("latin1")]);
    expect(body).toEqual(utf8("hello"));
    expect(await trailers).toBeUndefined();
    expect(await settled).toBeUndefined();
    expect(calls).toEqual([["wasi:http/incoming-handler", "handle"]]);
  });

  test("without a body has none", async () => {
    const { answer: coming } = handle(({ http, outparam }) => {
      const response = http("[constructor]outgoing-response", http("[constructor]fields"));
      http("[static]response-outparam.set", outparam, { tag: "ok", val: response });
    });
    expect((await coming).body).toBeNull();
    expect((await handle((guest) => finish(guest, guest.respond())).answer).body).toBeNull();
  });

  test("to HEAD has no body, whatever is written", async () => {
    const { answer: coming, settled } = handle((guest) => answer(guest, "hello"), { method: "HEAD" });
    expect((await coming).body).toBeNull();
    expect(await settled).toBeUndefined();
  });

  test("streams while the guest still runs", async () => {
    const gate = Promise.withResolvers<void>();
    const { answer: coming, settled } = handle(async (guest) => {
      const body = guest.respond();
      const stream = openBody(guest, body);
      good(guest.write(stream, "one,"));
      await pause(guest);
      await gate.promise;
      good(await guest.write(stream, "two"));
      drop(stream);
      finish(guest, body, good(guest.http("[static]fields.from-list", [["X-Sum", utf8("7")]])));
    });
    const { body, trailers } = await coming;
    const reader = (body as ReadableStream<Uint8Array>).getReader();
    expect(text((await reader.read()).value)).toBe("one,");
    expect(await isSettled(settled)).toBe(false);
    gate.resolve();
    expect(text((await reader.read()).value)).toBe("two");
    expect((await reader.read()).done).toBe(true);
    expect(await trailers).toEqual(["x-sum", "7"]);
    expect(await settled).toBeUndefined();
  });

  test("larger than what may wait makes the guest wait for its reader", async () => {
    const written: number[] = [];
    const { answer: coming, settled } = handle(async (guest) => {
      const body = guest.respond();
      const stream = openBody(guest, body);
      for (let i = 0; i < 100; i++) {
        good(await guest.write(stream, new Uint8Array(4096).fill(97)));
        written.push(i);
      }
      drop(stream);
      finish(guest, body);
    });
    const { body } = await coming;
    expect(await isSettled(settled)).toBe(false);
    expect(written.length).toBeLessThan(20);
    expect(await readBody(body)).toHaveLength(409_600);
    expect(await settled).toBeUndefined();
  });

  test("that is left unfinished ends with the guest, as in wasmtime", async () => {
    const { answer: coming } = handle((guest) => void guest.write(openBody(guest, guest.respond()), "hello"));
    expect(await readBody((await coming).body)).toBe("hello");
    const short = handle(
      (guest) => void guest.write(openBody(guest, guest.respond({ headers: [["content-length", "6"]] })), "hello"),
    );
    await expect(readBody((await short.answer).body)).rejects.toMatchObject({
      code: { tag: "HTTP-response-body-size" },
    });
  });

  test("echoes a body as it comes", async () => {
    const { answer: coming } = handle(
      async (guest) => {
        const incoming = good(guest.http("[method]incoming-request.consume", guest.request));
        const input = good(guest.http("[method]incoming-body.stream", incoming));
        const body = guest.respond();
        const output = openBody(guest, body);
        for (;;) {
          const result = await guest.call(STREAMS, "[method]output-stream.blocking-splice", output, input, 10n);
          if ((result as { tag: string }).tag === "err") break;
        }
        drop(input);
        drop(output);
        finish(guest, body);
      },
      { method: "POST", body: ReadableStream.from([utf8("stream me "), utf8("and me")]) },
    );
    expect(await readBody((await coming).body)).toBe("stream me and me");
  });
});

describe("no answer", () => {
  test("comes of a guest that sets none", async () => {
    const { answer: coming, settled } = handle(() => undefined);
    await expect(coming).rejects.toMatchObject({ name: "HandlerFailure", kind: "no-response" });
    expect(await settled).toBeUndefined();
  });

  test("comes of a guest that drops the place for it, though it goes on", async () => {
    const gate = Promise.withResolvers<void>();
    const { answer: coming, settled } = handle(async ({ outparam }) => {
      drop(outparam);
      await gate.promise;
    });
    await expect(coming).rejects.toMatchObject({ kind: "no-response" });
    expect(await isSettled(settled)).toBe(false);
    gate.resolve();
    await settled;
  });

  test.each([
    [{ tag: "HTTP-request-denied", val: undefined }, "HTTP-request-denied"],
    [{ tag: "internal-error", val: "no luck" }, "internal-error: no luck"],
  ])("but an error comes of a guest that sets %j", async (code, message) => {
    const { answer: coming } = handle(({ http, outparam }) =>
      http("[static]response-outparam.set", outparam, { tag: "err", val: code }),
    );
    await expect(coming).rejects.toMatchObject({ kind: "error", code, message });
  });

  test.each([
    ["a trap", new WebAssembly.RuntimeError("unreachable")],
    ["an exit", new CliExit(3)],
  ])("comes of %s before it", async (_, cause) => {
    const { answer: coming, settled } = handle(() => {
      throw cause;
    });
    await expect(coming).rejects.toMatchObject({ kind: "failed", cause });
    expect(await settled).toMatchObject({ kind: "failed", cause });
  });

  test("a trap behind the head fails the body", async () => {
    const cause = new WebAssembly.RuntimeError("unreachable");
    const { answer: coming, settled } = handle(async (guest) => {
      good(guest.write(openBody(guest, guest.respond()), "hello"));
      await pause(guest);
      throw cause;
    });
    const { head, body } = await coming;
    expect(head.status).toBe(200);
    const reader = (body as ReadableStream<Uint8Array>).getReader();
    expect(text((await reader.read()).value)).toBe("hello");
    await expect(reader.read()).rejects.toMatchObject({ kind: "failed", cause });
    expect(await settled).toMatchObject({ kind: "failed", cause });
  });

  test("comes of a trap behind the response, when nothing was sent yet", async () => {
    const cause = new WebAssembly.RuntimeError("unreachable");
    const { answer: coming } = handle((guest) => {
      answer(guest, "hello");
      throw cause;
    });
    await expect(coming).rejects.toMatchObject({ kind: "failed", cause });
  });
});

describe("response-outparam", () => {
  test("may be set once, with a response", async () => {
    const { settled } = handle(({ http, outparam, respond }) => {
      respond();
      const response = http("[constructor]outgoing-response", http("[constructor]fields"));
      http("[static]response-outparam.set", outparam, { tag: "ok", val: response });
    });
    expect(await settled).toMatchObject({ kind: "failed", cause: expect.any(WebAssembly.RuntimeError) });
    const other = handle(({ http, outparam }) =>
      http("[static]response-outparam.set", outparam, { tag: "ok", val: {} }),
    );
    await expect(other.answer).rejects.toMatchObject({ kind: "failed" });
  });

  test.each([
    [103, "internal-error"],
    [200, "HTTP-protocol-error"],
    [99, "HTTP-protocol-error"],
  ])("sends no informational response: %i gives %s", async (status, tag) => {
    await handle((guest) => {
      const fields = guest.http("[constructor]fields");
      const { http, outparam } = guest;
      expect(http("[method]response-outparam.send-informational", outparam, status, fields)).toMatchObject({
        tag: "err",
        val: { tag },
      });
      finish(guest, guest.respond());
    }).answer;
  });
});

describe("cancelling", () => {
  test("before the head breaks off what the guest waits in, and its request's body", async () => {
    const controller = new AbortController();
    const cancelled = Promise.withResolvers<void>();
    const { answer: coming, settled } = handle(
      async (guest) => {
        const incoming = good(guest.http("[method]incoming-request.consume", guest.request));
        const input = good(guest.http("[method]incoming-body.stream", incoming));
        await guest.call(STREAMS, "[method]input-stream.blocking-read", input, 1n);
      },
      { signal: controller.signal, body: new ReadableStream({ cancel: () => cancelled.resolve() }) },
    );
    expect(await isSettled(coming)).toBe(false);
    controller.abort();
    await expect(coming).rejects.toMatchObject({ kind: "cancelled" });
    expect(await settled).toMatchObject({ kind: "cancelled" });
    await cancelled.promise;
  });

  test("behind the head ends the guest that waits to write", async () => {
    const controller = new AbortController();
    const { answer: coming, settled } = handle(
      async (guest) => {
        const stream = openBody(guest, guest.respond());
        for (;;) good(await guest.write(stream, new Uint8Array(4096)));
      },
      { signal: controller.signal },
    );
    await coming;
    expect(await isSettled(settled)).toBe(false);
    controller.abort();
    expect(await settled).toMatchObject({ kind: "cancelled" });
  });

  test("before it began calls nothing", async () => {
    const { answer: coming, settled, calls } = handle(() => undefined, { signal: AbortSignal.abort() });
    await expect(coming).rejects.toMatchObject({ kind: "cancelled" });
    expect(await settled).toMatchObject({ kind: "cancelled" });
    expect(calls).toEqual([]);
  });

  test("a reader that leaves closes the guest's stream", async () => {
    const results: unknown[] = [];
    const { answer: coming, settled } = handle(async (guest) => {
      const stream = openBody(guest, guest.respond());
      for (let last: unknown = { tag: "ok" }; (last as { tag: string }).tag === "ok"; ) {
        last = await guest.write(stream, new Uint8Array(4096));
        results.push(last);
      }
    });
    const { body } = await coming;
    await (body as ReadableStream<Uint8Array>).cancel();
    expect(await settled).toBeUndefined();
    expect(results.at(-1)).toMatchObject({ tag: "err", val: { tag: "closed" } });
  });
});

test("what the guest has under way ends with it", async () => {
  const { settled, lab } = handle((guest) => {
    const timer = guest.call("wasi:clocks/monotonic-clock", "subscribe-duration", 1000n);
    guest.call("wasi:io/poll", "[method]pollable.ready", timer);
    finish(guest, guest.respond());
    expect(guest.clock.sleeping).toBe(1);
  });
  expect(await settled).toBeUndefined();
  expect(lab.clock.sleeping).toBe(0);
});
