/** The host of WASI 0.2 under a real component: the function `stream-component`, written in C. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { createWasiClock } from "../../../src/engine/wasi/clock.guest.ts";
import { compileComponent } from "../../../src/engine/wasi/component/linker.guest.ts";
import { handleRequest } from "../../../src/engine/wasi/preview2/handle-request.guest.ts";
import type { Body } from "../../../src/model/exchange.ts";
import { decodeComponent } from "../../../src/wasm/component/decode.ts";
import { createLab, readBody, utf8 } from "./preview2-support.ts";

const bytes = readFileSync(new URL("../../../functions/stream-component/stream-component.wasm", import.meta.url));
const linked = compileComponent(decodeComponent(bytes), {
  host: createLab().imports,
  compileModule: (module) => new WebAssembly.Module(module),
});

async function ask(request: { method: string; path: string; body: Body }): Promise<{
  status: number;
  content: string;
  trailers: unknown;
}> {
  const { preview2 } = createLab({ clock: createWasiClock() });
  using instance = linked.instantiate(preview2.imports, {
    instantiate: (module, _, imports) => new WebAssembly.Instance(module, imports),
  });
  const { method, path, body } = request;
  const { answer, settled } = handleRequest(
    instance,
    { method, url: `http://example.com${path}`, headers: [], body, signal: new AbortController().signal },
    preview2,
  );
  const { head, body: content, trailers } = await answer;
  const text = await readBody(content);
  expect(await settled).toBeUndefined();
  return { status: head.status, content: text, trailers: await trailers };
}

test("it streams what it makes, waiting on the clock in between", async () => {
  const { status, content, trailers } = await ask({ method: "GET", path: "/?n=3&delay=1", body: null });
  expect(status).toBe(200);
  expect(content.split("\n")).toEqual(["[1] cites [2]", "[2] cites [3]", "[3] cites [1]", ""]);
  expect(trailers).toEqual(["x-lines", "3"]);
});

test("it streams what comes in", async () => {
  const body = ReadableStream.from([utf8("Small letters, "), utf8("made large")]);
  expect(await ask({ method: "POST", path: "/", body })).toMatchObject({
    status: 200,
    content: expect.stringContaining("SMALL LETTERS, MADE LARGE"),
  });
});

test("a large body goes through whole", async () => {
  const { content } = await ask({ method: "POST", path: "/", body: new Uint8Array(1_000_000).fill(97) });
  expect(content).toBe("A".repeat(1_000_000));
});

test("it is over at once when whoever asked leaves, in the middle of its sleep", async () => {
  const { preview2 } = createLab({ clock: createWasiClock() });
  using instance = linked.instantiate(preview2.imports, {
    instantiate: (module, _, imports) => new WebAssembly.Instance(module, imports),
  });
  const controller = new AbortController();
  const url = "http://example.com/?n=9&delay=10000";
  const { answer, settled } = handleRequest(
    instance,
    { method: "GET", url, headers: [], body: null, signal: controller.signal },
    preview2,
  );
  const { body } = await answer;
  expect(body).toBeInstanceOf(ReadableStream);
  controller.abort();
  expect(await settled).toMatchObject({ kind: "cancelled" });
});
