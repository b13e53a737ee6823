/** The functions of this repository that are WASI programs, each request in a fresh instance of the real engine. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import type { Instance } from "../../src/engine/engine.ts";
import { findHeader } from "../../src/model/exchange.ts";
import { ask, askText, bytesOf, createFeed, noCapabilities, rejectionOf } from "../support/capabilities.ts";
import { WASI_FUNCTIONS } from "../support/wasi-functions.ts";
import { readFunction } from "../support/wasi-functions-lab.ts";
import { openWasiLab, type WasiLab, type WasmSource } from "../support/wasi-lab.ts";

const signal = new AbortController().signal;
const lab = await openWasiLab();
afterAll(() => lab[Symbol.asyncDispose]());

async function start(source: WasmSource, { on = lab }: { on?: WasiLab } = {}): Promise<Instance> {
  const prepared = await on.engine.prepare(on.deploy(source), {
    signal,
    capabilities: noCapabilities,
    isProven: true,
  });
  const instance = await prepared.start({ signal });
  onTestFinished(async () => {
    await instance[Symbol.asyncDispose]();
    await prepared[Symbol.asyncDispose]();
  });
  return instance;
}

describe.each(Object.entries(WASI_FUNCTIONS))("%s", (name, cases) => {
  it("answers as its table says", async () => {
    const instance = await start(await readFunction(name));
    for (const each of cases) {
      const { path, body, status = 200, type, text, find } = each;
      const method = each.method ?? (body === undefined ? "GET" : "POST");
      const headers = ["host", "localhost", ...Object.entries(each.headers ?? {}).flat()];
      const asked = ask(instance, { method, path, headers, ...(body !== undefined && { body }) });
      const what = `${method} ${path}`;
      // A plain program says by its exit code that it failed, and the node makes a 500 of it.
      if (status === 500) {
        expect((await rejectionOf(asked)).code, what).toBe("NEBULA_EXIT_CODE");
        continue;
      }
      const { head, body: content } = await asked;
      const bytes = await bytesOf(content);
      expect(head.status, what).toBe(status);
      if (type !== undefined) expect(findHeader(head.headers, "content-type"), what).toMatch(new RegExp(`^${type}`));
      if (typeof text === "string") expect(bytes.toString(), what).toContain(text);
      else if (text !== undefined) expect(bytes.toString(), what).toMatch(text);
      expect(find?.(bytes), what).toBeUndefined();
    }
  });
});

describe("a state directory", () => {
  const sign = (instance: Instance, message: string) =>
    ask(instance, {
      method: "POST",
      headers: ["content-type", "application/x-www-form-urlencoded"],
      body: `name=Ada&message=${message}`,
    });
  const read = (instance: Instance) => askText(instance, { path: "/entries.txt" });

  it("has every entry that was acknowledged, however many come at once, and after the node has gone", async () => {
    const stateDir = await mkdtemp(join(tmpdir(), "nebula-state-"));
    onTestFinished(() => rm(stateDir, { recursive: true, force: true }));
    const source = await readFunction("guestbook-cgi");
    const messages = Array.from({ length: 25 }, (_, i) => `message-${i}`);
    {
      await using first = await openWasiLab({ stateDir });
      const instance = await start(source, { on: first });
      const answers = await Promise.all(messages.map((message) => sign(instance, message)));
      expect(new Set(answers.map(({ head }) => head.status))).toEqual(new Set([303]));
    }
    await using second = await openWasiLab({ stateDir });
    const entries = await read(await start(source, { on: second }));
    for (const message of messages) expect(entries).toContain(`${message}\n`);
  });

  it("is the same for the deployment that comes after", async () => {
    const source = await readFunction("guestbook-cgi");
    const [one, other] = [await start(source), await start(source)];
    await sign(one, "from-one");
    await sign(other, "from-other");
    await sign(one, "from-one-again");
    const entries = await read(other);
    for (const message of ["from-one", "from-other", "from-one-again"]) expect(entries).toContain(message);
  });

  it("belongs to one function alone", async () => {
    const source = await readFunction("guestbook-cgi");
    const [one, stranger] = [await start(source), await start({ ...source, name: "stranger" })];
    await sign(one, "private");
    expect(await read(stranger)).not.toContain("private");
  });
});

describe("a component", () => {
  it("streams its answer while it reads the request", async () => {
    const instance = await start(await readFunction("stream-component"));
    const feed = createFeed();
    const answering = ask(instance, { method: "POST", body: feed.stream });
    feed.push("one ");
    const { body } = await answering;
    if (!(body instanceof ReadableStream)) throw new Error("the body is no stream");
    const reader = body.getReader();
    const readText = async () => Buffer.from((await reader.read()).value ?? []).toString();
    expect(await readText()).toBe("ONE ");
    feed.push("two");
    expect(await readText()).toBe("TWO");
    feed.end();
    expect((await reader.read()).done).toBe(true);
  });

  it("does many requests at once in one process", async () => {
    const instance = await start(await readFunction("stream-component"));
    const startedAtMs = performance.now();
    const texts = await Promise.all(Array.from({ length: 40 }, () => askText(instance, { path: "/?n=3&delay=50" })));
    expect(new Set(texts).size).toBe(1);
    // One after the other it would be four seconds and more.
    expect(performance.now() - startedAtMs).toBeLessThan(3_000);
  });

  it("ends when its client leaves", async () => {
    const instance = await start(await readFunction("stream-component"));
    const client = new AbortController();
    const { body, settled } = await ask(instance, { path: "/?n=100&delay=100", signal: client.signal });
    client.abort();
    await expect(bytesOf(body)).rejects.toThrow();
    await settled;
  });
});
