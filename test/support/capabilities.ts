/**
 * What a host gives to a function, made of a few lines for a test; and calls as a gateway would make them.
 */

import type { Instance, InstanceAnswer } from "../../src/engine/engine.ts";
import { NebulaError } from "../../src/model/errors.ts";
import type { Body, Call, HeaderList } from "../../src/model/exchange.ts";
import type { Capabilities, GuestLog } from "../../src/model/ports.ts";

export interface LogLine {
  readonly level: Parameters<GuestLog>[0];
  readonly text: string;
}

/** Nothing may be reached. */
export const noCapabilities: Capabilities = {
  binding: async (name) => {
    throw new NebulaError("NEBULA_OUTBOUND_DENIED", `Cannot reach binding "${name}": there is none`);
  },
  outbound: async (call) => {
    const { host } = new URL(call.head.url);
    throw new NebulaError("NEBULA_OUTBOUND_DENIED", `Cannot reach "${host}": it is not in the list of allowed hosts`);
  },
};

export interface AskOptions {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: HeaderList;
  readonly body?: Body | string;
  readonly signal?: AbortSignal;
  readonly requestId?: string;
  readonly onLog?: GuestLog;
}

/** One request to an instance. */
export async function ask(instance: Instance, options: AskOptions = {}): Promise<InstanceAnswer> {
  const { method = "GET", path = "/", headers = ["host", "localhost"], requestId = "r", onLog = () => {} } = options;
  const { body = null, signal = new AbortController().signal } = options;
  const call: Call = {
    head: { method, url: `http://localhost${path}`, headers },
    body: typeof body === "string" ? Buffer.from(body) : body,
    signal,
  };
  return await instance.fetch(call, { requestId, onLog });
}

/** All of a body. */
export async function bytesOf(body: Body): Promise<Buffer> {
  if (body === null) return Buffer.alloc(0);
  if (body instanceof Uint8Array) return Buffer.from(body);
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Asks and reads the whole answer as text. */
export async function askText(instance: Instance, options: AskOptions = {}): Promise<string> {
  const { body } = await ask(instance, options);
  return (await bytesOf(body)).toString();
}

/** Asks and parses the whole answer. */
export async function askJson(instance: Instance, options: AskOptions = {}): Promise<unknown> {
  return JSON.parse(await askText(instance, options));
}

/** The NebulaError that a promise rejects with; fails the test when it does not. */
export async function rejectionOf(promise: Promise<unknown>): Promise<NebulaError> {
  try {
    await promise;
  } catch (thrown) {
    if (thrown instanceof NebulaError) return thrown;
    throw new Error("rejected with something that is no NebulaError", { cause: thrown });
  }
  throw new Error("did not reject");
}

/** A stream of bytes that the test feeds by hand. */
export function createFeed(): {
  stream: ReadableStream<Uint8Array>;
  push(text: string): void;
  end(): void;
  fail(error: Error): void;
  cancelled: Promise<unknown>;
} {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const cancelled = Promise.withResolvers<unknown>();
  const stream = new ReadableStream<Uint8Array>({
    start: (given) => {
      controller = given;
    },
    cancel: (reason) => cancelled.resolve(reason),
  });
  return {
    stream,
    push: (text) => controller?.enqueue(Buffer.from(text)),
    end: () => controller?.close(),
    fail: (error) => controller?.error(error),
    cancelled: cancelled.promise,
  };
}

/** Waits until a condition holds; fails after `limitMs`. For what gives no event: `/proc`, another process. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, limitMs = 5_000): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`waited ${limitMs} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
