import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { closeUnlessRead, dropRest, hasUnreadBody, openBody } from "../../../src/http/request-body.ts";
import type { NebulaError } from "../../../src/model/errors.ts";
import { bytesOf } from "../../support/capabilities.ts";
import { createFakeClock } from "../../support/fake-clock.ts";

function open(headers: Record<string, string>, limitBytes = 1_000_000) {
  const message = new IncomingMessage(new Socket());
  Object.assign(message.headers, headers);
  const told = { bytes: 0, wanted: 0, tooLarge: [] as NebulaError[] };
  const body = () =>
    openBody(message, {
      limitBytes,
      onBytes: (bytes) => {
        told.bytes += bytes;
      },
      onWanted: () => {
        told.wanted += 1;
      },
      onTooLarge: (error) => void told.tooLarge.push(error),
    });
  const stream = () => {
    const opened = body();
    if (!(opened instanceof ReadableStream)) throw new Error("no stream");
    return opened;
  };
  return { message, told, body, stream };
}
const CHUNKED = { "transfer-encoding": "chunked" };
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("openBody()", () => {
  test.for([[{}], [{ "content-length": "0" }]])("gives nothing where there is none: %j", ([headers = {}]) => {
    const { body, told } = open(headers);
    expect(body()).toBeNull();
    expect(told.wanted).toBe(0);
  });

  test("reads a small one whole", async () => {
    const { body, message, told } = open({ "content-length": "6" });
    const reading = body();
    message.push("one");
    message.push("two");
    message.push(null);
    expect(String(await bytesOf((await reading) ?? null))).toBe("onetwo");
    expect(told).toMatchObject({ bytes: 6, wanted: 1 });
  });

  test("fails when the client leaves a small one", async () => {
    const { body, message } = open({ "content-length": "6" });
    const reading = body();
    message.push("one");
    message.destroy();
    await expect(reading).rejects.toMatchObject({ code: "NEBULA_CLIENT_GONE" });
  });

  test("refuses one that says it is too large before anybody reads it", () => {
    const { body, told } = open({ "content-length": "11" }, 10);
    expect(body).toThrow(
      expect.objectContaining({ code: "NEBULA_BODY_TOO_LARGE", details: { limit: "requestBodyBytes", value: 10 } }),
    );
    expect(told.wanted).toBe(0);
  });

  test("streams one without a length, no faster than it is read", async () => {
    const { stream, message, told } = open(CHUNKED);
    const body = stream();
    for (const word of ["one", "two", "six"]) message.push(word);
    message.push(null);
    await settle();
    expect(message.isPaused()).toBe(true);
    expect(told.bytes).toBeLessThan(9);
    expect(String(await bytesOf(body))).toBe("onetwosix");
    expect(told).toMatchObject({ bytes: 9, wanted: 1 });
  });

  test("ends a stream that turns out too large, and tells the gateway", async () => {
    const { stream, message, told } = open(CHUNKED, 5);
    const reading = bytesOf(stream());
    message.push("four");
    message.push("more");
    await expect(reading).rejects.toMatchObject({ code: "NEBULA_BODY_TOO_LARGE" });
    expect(told.tooLarge).toHaveLength(1);
    message.push("and more");
    message.push(null);
    await settle();
    expect(message.readableEnded).toBe(true);
  });

  test("fails when the client leaves a stream", async () => {
    const { stream, message } = open(CHUNKED);
    const reading = bytesOf(stream());
    message.push("one");
    await settle();
    message.destroy();
    await expect(reading).rejects.toMatchObject({ code: "NEBULA_CLIENT_GONE" });
  });

  test("drops the rest of a stream that is cancelled", async () => {
    const { stream, message } = open(CHUNKED);
    await stream().cancel();
    message.push("x".repeat(100_000));
    message.push(null);
    await settle();
    expect(message.readableEnded).toBe(true);
  });
});

describe("what is left of a body", () => {
  test("is known from the head, until the end has been read", async () => {
    expect(hasUnreadBody(open({}).message)).toBe(false);
    const { message } = open(CHUNKED);
    expect(hasUnreadBody(message)).toBe(true);
    message.push(null);
    message.resume();
    await settle();
    expect(hasUnreadBody(message)).toBe(false);
  });

  test("is dropped until its end or for a time", async () => {
    const clock = createFakeClock();
    const { message } = open(CHUNKED);
    const dropped = dropRest(message, { clock, lingerMs: 100 });
    message.push("x".repeat(100_000));
    await settle();
    expect(message.readableLength).toBe(0);
    clock.pass(100);
    await dropped;
    expect(clock.waiting).toBe(0);
  });

  test("ends its connection when it does not come in time, and does not when it does", async () => {
    const clock = createFakeClock();
    const late = open(CHUNKED).message;
    const early = open(CHUNKED).message;
    const both = [late, early].map((message) => closeUnlessRead(message, { clock, lingerMs: 100 }));
    early.complete = true;
    early.push(null);
    early.resume();
    await both[1];
    clock.pass(100);
    await both[0];
    await settle();
    expect([late.socket.destroyed, early.socket.destroyed]).toEqual([true, false]);
  });
});
