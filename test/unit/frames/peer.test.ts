/** Calls, bodies and cancels between two ends that keep the rules. */

import { describe, expect, it } from "vitest";
import { WINDOW_BYTES } from "../../../src/frames/inbound.ts";
import type { OutgoingAnswer } from "../../../src/frames/incoming-call.ts";
import { RemoteError } from "../../../src/frames/outgoing-call.ts";
import type { Body } from "../../../src/model/exchange.ts";
import { bytesOf, createFeed } from "../../support/capabilities.ts";
import { createPair, turns } from "../../support/peer-pair.ts";
import { createRandom } from "../../support/random.ts";

/** Bytes of a body, in pieces of that size, made as they are asked for. */
function createSource(total: number, pieceBytes: number) {
  const state = { made: 0, cancelled: false };
  const stream = new ReadableStream<Uint8Array>(
    {
      pull: (controller) => {
        const size = Math.min(pieceBytes, total - state.made);
        if (size === 0) return controller.close();
        controller.enqueue(new Uint8Array(size).fill(state.made % 251));
        state.made += size;
      },
      cancel: () => {
        state.cancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  return { stream, state };
}

const echo = async (call: { takeBody(): Body }): Promise<OutgoingAnswer> => ({ head: {}, body: call.takeBody() });

describe("a call", () => {
  it("carries head and body there and back, whichever side opens it", async () => {
    const { host, guest } = createPair(
      async (call) => ({ head: { got: call.head }, body: call.takeBody() }),
      async (call) => ({ head: { got: call.head }, body: call.takeBody() }),
    );
    for (const { peer } of [host, guest]) {
      for (const size of [0, 1, 65_536, 65_537, WINDOW_BYTES, WINDOW_BYTES + 1, 1_000_000]) {
        const call = peer.call({ size }, size === 0 ? null : new Uint8Array(size).fill(7));
        const { head, body } = await call.answer;
        expect(head).toEqual({ got: { size } });
        expect((await bytesOf(body)).byteLength).toBe(size);
        await call.settled;
        expect(peer.openCalls).toBe(0);
      }
    }
    expect([...host.broken, ...guest.broken]).toEqual([]);
  });

  it("that is not answered fails with the other side's words, as plain data", async () => {
    const { host } = createPair(undefined, () => {
      throw new RangeError("no");
    });
    const call = host.peer.call({}, null);
    const error = await call.answer.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RemoteError);
    expect(error).toMatchObject({ wire: { name: "RangeError", message: "no" } });
    await call.settled;
    expect(host.peer.openCalls).toBe(0);
  });

  it("is settled when the work that is held is over, not before", async () => {
    const work = Promise.withResolvers<void>();
    const { host } = createPair(undefined, (call) => {
      call.hold(work.promise);
      return { head: {}, body: new Uint8Array(3) };
    });
    const call = host.peer.call({}, null);
    let isSettled = false;
    void call.settled.then(() => {
      isSettled = true;
    });
    expect((await bytesOf((await call.answer).body)).byteLength).toBe(3);
    await turns();
    expect(isSettled).toBe(false);
    work.reject(new Error("it failed, and so it is over"));
    await call.settled;
    expect(host.peer.openCalls).toBe(0);
  });

  it("that fails while work is held is settled when that is over", async () => {
    const work = Promise.withResolvers<void>();
    const { host, guest } = createPair(undefined, (call) => {
      call.hold(work.promise);
      throw new Error("no");
    });
    const call = host.peer.call({}, null);
    await expect(call.answer).rejects.toBeInstanceOf(RemoteError);
    expect(host.peer.openCalls).toBe(1);
    work.resolve();
    await call.settled;
    await turns();
    expect(host.peer.openCalls).toBe(0);
    expect([...host.broken, ...guest.broken]).toEqual([]);
  });

  it("is settled for us when we give up on the work that is held", async () => {
    const { host } = createPair(undefined, (call) => {
      call.hold(new Promise(() => {}));
      return { head: {}, body: null };
    });
    const call = host.peer.call({}, null);
    let stopped = 0;
    call.onWork((giveUp) => {
      giveUp();
      return { [Symbol.dispose]: () => void stopped++ };
    });
    await call.settled;
    host.peer.close();
    expect(stopped).toBe(1);
  });
});

describe("flow control", () => {
  it("lets a body run ahead of its reader by a window and a few pieces, no more", async () => {
    const { stream, state } = createSource(50 * WINDOW_BYTES, 10_000);
    const { host } = createPair(undefined, () => ({ head: {}, body: stream }));
    const call = host.peer.call({}, null);
    const { body } = await call.answer;
    await turns(100);
    expect(state.made).toBeLessThanOrEqual(WINDOW_BYTES + 20_000);
    if (!(body instanceof ReadableStream)) throw new Error("no stream");
    const reader = body.getReader();
    let read = 0;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      read += value.byteLength;
      expect(state.made - read).toBeLessThanOrEqual(WINDOW_BYTES + 200_000);
    }
    expect(read).toBe(50 * WINDOW_BYTES);
    await call.settled;
    expect(host.peer.openCalls).toBe(0);
  });

  it("hands over many small pieces as one", async () => {
    const { stream } = createSource(5_000, 1);
    const { host } = createPair(undefined, () => ({ head: {}, body: stream }));
    const call = host.peer.call({}, null);
    const { body } = await call.answer;
    await turns(100);
    if (!(body instanceof ReadableStream)) throw new Error("no stream");
    const { value } = await body.getReader().read();
    expect(value?.byteLength).toBe(5_000);
    expect(value?.[4_999]).toBe(4_999 % 251);
  });

  it("stops a request that nobody reads after a window", async () => {
    const answer = Promise.withResolvers<OutgoingAnswer>();
    const { stream, state } = createSource(50 * WINDOW_BYTES, 10_000);
    const { host } = createPair(undefined, () => answer.promise);
    const call = host.peer.call({}, stream);
    await turns(100);
    expect(state.made).toBeLessThanOrEqual(WINDOW_BYTES + 20_000);
    answer.resolve({ head: {}, body: null });
    await call.settled;
    await turns();
    expect(state.cancelled).toBe(true);
    expect(host.peer.openCalls).toBe(0);
  });

  it("of one body does not hold up another", async () => {
    const slow = createSource(10 * WINDOW_BYTES, 10_000);
    const { host } = createPair(undefined, (call) => ({
      head: {},
      body: call.head === "slow" ? slow.stream : new Uint8Array(100_000),
    }));
    const waiting = host.peer.call("slow", null);
    const { body } = await waiting.answer;
    for (let i = 0; i < 20; i++) {
      const other = host.peer.call("quick", null);
      expect((await bytesOf((await other.answer).body)).byteLength).toBe(100_000);
    }
    if (body instanceof ReadableStream) await body.cancel();
    await waiting.settled;
    expect(slow.state.cancelled).toBe(true);
  });
});

/** How far a call has come when it is cancelled. */
const STATES = ["at once", "sent", "answered", "in the body", "whole"] as const;

describe("cancel", () => {
  for (const state of STATES) {
    for (const hasBody of [false, true]) {
      it(`of a call ${state}${hasBody ? " with a request under way" : ""} settles both sides and leaks nothing`, async () => {
        const source = createSource(10 * WINDOW_BYTES, 50_000);
        const answered = Promise.withResolvers<void>();
        let signal: AbortSignal | undefined;
        const { host, guest } = createPair(undefined, async (call) => {
          signal = call.signal;
          if (state === "sent") await new Promise((resolve) => call.signal.addEventListener("abort", resolve));
          answered.resolve();
          return { head: {}, body: state === "whole" ? null : source.stream };
        });
        const feed = createFeed();
        const call = host.peer.call({}, hasBody ? feed.stream : null);
        const reason = new Error("left");
        if (state === "sent") await turns();
        if (state === "answered") await call.answer;
        if (state === "in the body") {
          const { body } = await call.answer;
          if (body instanceof ReadableStream) await body.getReader().read();
        }
        if (state === "whole") await call.answer;
        call.cancel(reason);
        call.cancel(new Error("twice"));
        await call.settled;
        await turns();
        expect(host.peer.openCalls).toBe(0);
        expect([...host.broken, ...guest.broken]).toEqual([]);
        if (state === "at once" || state === "sent") await expect(call.answer).rejects.toBe(reason);
        if (hasBody && state !== "whole") await feed.cancelled;
        if (state === "answered" || state === "in the body") expect(source.state.cancelled).toBe(true);
        if (state === "sent") expect(signal?.aborted).toBe(true);
        // The connection is still good.
        const next = host.peer.call({}, null);
        next.cancel(reason);
        await next.settled;
      });
    }
  }

  it("of the reader tells the writer, in both directions", async () => {
    const source = createSource(10 * WINDOW_BYTES, 50_000);
    const { guest, host } = createPair(() => ({ head: {}, body: source.stream }));
    const call = guest.peer.call({}, null);
    const { body } = await call.answer;
    if (body instanceof ReadableStream) await body.cancel();
    await call.settled;
    expect(source.state.cancelled).toBe(true);
    expect([...host.broken, ...guest.broken]).toEqual([]);
  });

  it("is not told when the source of a request fails: the call is cancelled with its error", async () => {
    const { host } = createPair(undefined, echo);
    const feed = createFeed();
    const call = host.peer.call({}, feed.stream);
    feed.push("half");
    const { body } = await call.answer;
    const error = new Error("the source broke");
    feed.fail(error);
    await expect(bytesOf(body)).rejects.toBe(error);
    await call.settled;
    expect(host.peer.openCalls).toBe(0);
  });
});

describe("the end of the connection", () => {
  it.each(["host", "guest"] as const)("at the %s cancels the bodies and calls of both sides", async (side) => {
    const answerSource = createSource(10 * WINDOW_BYTES, 50_000);
    const requestSource = createSource(10 * WINDOW_BYTES, 50_000);
    const signals: AbortSignal[] = [];
    const { host, guest } = createPair(undefined, (call) => {
      signals.push(call.signal);
      return call.head === "streams" ? { head: {}, body: answerSource.stream } : new Promise(() => {});
    });
    const streams = host.peer.call("streams", null);
    const waits = host.peer.call("waits", requestSource.stream);
    const { body } = await streams.answer;
    await turns(50);
    (side === "host" ? host : guest).peer.close();
    await expect(waits.answer).rejects.toThrow("the connection is closed");
    await expect(bytesOf(body)).rejects.toThrow("the connection is closed");
    await Promise.all([streams.settled, waits.settled]);
    await turns();
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
    expect([answerSource.state.cancelled, requestSource.state.cancelled]).toEqual([true, true]);
    expect([host.broken.length, guest.broken.length]).toEqual([1, 1]);
  });
});

describe("many streams at once", () => {
  it.each([1, 7, 42, 1_000_003])(
    "all settle and nothing is left, whatever is cancelled when (seed %i)",
    async (seed) => {
      const random = createRandom(seed);
      const upTo = (n: number) => Math.floor(random() * n);
      const pause = () => turns(upTo(4));
      const sizes = [0, 1, 1_000, 65_537, WINDOW_BYTES, 3 * WINDOW_BYTES];
      const randomBody = (): Body => {
        const size = sizes[upTo(sizes.length)] ?? 0;
        const kind = upTo(3);
        if (kind === 0) return null;
        return kind === 1 ? new Uint8Array(size) : createSource(size, 1 + upTo(100_000)).stream;
      };
      const onCall = async (
        call: Parameters<Parameters<typeof createPair>[0] & object>[0],
      ): Promise<OutgoingAnswer> => {
        const body = call.takeBody();
        if (upTo(3) === 0) call.hold(pause());
        await pause();
        if (upTo(8) === 0) throw new Error("at random");
        const fate = upTo(4);
        if (fate === 0) return { head: {}, body };
        if (fate === 1) await bytesOf(body);
        if (fate === 2 && body instanceof ReadableStream) await body.cancel();
        return { head: {}, body: randomBody() };
      };
      const { host, guest } = createPair(onCall, onCall);
      const runOne = async () => {
        await pause();
        const call = (upTo(2) ? host : guest).peer.call({}, randomBody());
        if (upTo(4) === 0) call.cancel(new Error("early"));
        const answer = await call.answer.catch(() => undefined);
        if (upTo(4) === 0) call.cancel(new Error("late"));
        const body = answer?.body;
        if (upTo(4) === 0 && body instanceof ReadableStream) await body.cancel().catch(() => {});
        else await bytesOf(body ?? null).catch(() => {});
        await call.settled;
      };
      await Promise.all(Array.from({ length: 150 }, runOne));
      await turns();
      expect([host.peer.openCalls, guest.peer.openCalls]).toEqual([0, 0]);
      expect([...host.broken, ...guest.broken]).toEqual([]);
      host.peer.close();
      guest.peer.close();
    },
  );
});

describe("trailers", () => {
  const later = async (value: unknown) => {
    await turns(3);
    return value;
  };
  const BODIES: Readonly<Record<string, () => Body>> = {
    nothing: () => null,
    "a whole body": () => Buffer.from("body"),
    "a large body": () => Buffer.alloc(300_000, 98),
    "a stream": () => createSource(200_000, 30_000).stream,
  };

  it.each(Object.entries(BODIES))("of an answer come after %s", async (_, make) => {
    const { host, guest } = createPair(undefined, () => ({ head: {}, body: make(), trailers: later(["x", "y"]) }));
    const call = host.peer.call({}, null);
    const { body, trailers } = await call.answer;
    const expected = await bytesOf(make());
    expect(Buffer.compare(await bytesOf(body), expected)).toBe(0);
    expect(await trailers).toEqual(["x", "y"]);
    await call.settled;
    expect([...host.broken, ...guest.broken]).toEqual([]);
  });

  it("come together with a whole body, which is then no stream", async () => {
    const { host } = createPair(undefined, () => ({ head: {}, body: Buffer.from("b"), trailers: later(["x", "y"]) }));
    const { body } = await host.peer.call({}, null).answer;
    expect(body).toBeInstanceOf(Uint8Array);
  });

  it.each(["a large body", "a stream"])("of a request come after %s", async (name) => {
    const seen = Promise.withResolvers<unknown>();
    const { host, guest } = createPair(undefined, async (call) => {
      const { trailers } = call;
      const bytes = await bytesOf(call.takeBody());
      seen.resolve([bytes.byteLength, await trailers]);
      return { head: {}, body: null };
    });
    const make = BODIES[name];
    const call = host.peer.call({}, make?.() ?? null, later(["x", "y"]));
    await call.settled;
    expect(await seen.promise).toEqual([(await bytesOf(make?.() ?? null)).byteLength, ["x", "y"]]);
    expect([...host.broken, ...guest.broken]).toEqual([]);
  });

  it("that are none leave nothing behind, and cost no promise after a whole body", async () => {
    const { host } = createPair(undefined, (call) => ({
      head: { asked: call.trailers === undefined },
      body: Buffer.from("b"),
      trailers: later(undefined),
    }));
    const call = host.peer.call({}, null);
    const answer = await call.answer;
    expect(answer).toMatchObject({ head: { asked: true }, trailers: undefined });
    await call.settled;
  });

  it("that never come do not outlive a call that is cancelled", async () => {
    const never = new Promise<unknown>(() => {});
    const { host, guest } = createPair(undefined, () => ({
      head: {},
      body: createSource(10, 10).stream,
      trailers: never,
    }));
    const call = host.peer.call({}, null);
    const { trailers } = await call.answer;
    await turns();
    call.cancel(new Error("enough"));
    await call.settled;
    expect(await trailers).toBeUndefined();
    expect([...host.broken, ...guest.broken]).toEqual([]);
    expect(host.peer.openCalls).toBe(0);
  });

  it("that fail make the call fail, with the answerer's words for it", async () => {
    const { host } = createPair(undefined, () => ({
      head: {},
      body: createSource(10, 10).stream,
      trailers: Promise.reject(new RangeError("no")),
      explain: (thrown) => Object.assign(new Error("explained"), { cause: thrown, name: "Explained" }),
    }));
    const call = host.peer.call({}, null);
    const { body, trailers } = await call.answer;
    await expect(bytesOf(body)).rejects.toMatchObject({ wire: { name: "Explained", message: "explained" } });
    expect(await trailers).toBeUndefined();
    await call.settled;
  });
});
