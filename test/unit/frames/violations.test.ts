/** What no correct guest sends ends its connection, once, and every open call with it. */

import { describe, expect, it } from "vitest";
import {
  ConnectionClosed,
  END,
  encodeBytes,
  encodeCredit,
  encodeText,
  KIND,
  ProtocolError,
  SETTLED,
} from "../../../src/frames/frame.ts";
import { WINDOW_BYTES } from "../../../src/frames/inbound.ts";
import { createRaw, turns } from "../../support/peer-pair.ts";

const HEAD = '{"status":200}';
const answer = (id: number, flags = 0) => encodeText(KIND.ANSWER | flags, id, HEAD);
const data = (id: number, bytes: number, flags = 0) => encodeBytes(KIND.DATA | flags, id, Buffer.alloc(bytes));
const open = (id: number, flags = END) => encodeText(KIND.OPEN | flags, id, "{}");
const trailers = (id: number, flags = 0, text = '["x-a","b"]') => encodeText(KIND.TRAILERS | flags, id, text);
const FULL = Array.from({ length: WINDOW_BYTES / 65_536 }, () => data(1, 65_536));

/** The host has opened stream 1; the other side answers with these. */
const VIOLATIONS: Readonly<Record<string, readonly Buffer[]>> = {
  "a frame of unknown kind on an open stream": [encodeText(9, 1, "")],
  "a frame of kind 0": [encodeText(0, 1, "")],
  "a frame of unknown kind on a stream of its own": [open(2, 0), encodeText(9, 2, "")],
  "an ANSWER on a stream of its own": [open(2, 0), answer(2)],
  "an ANSWER on a stream that is not open": [answer(11)],
  "DATA on a stream that is not open": [data(7, 1)],
  "OPEN with an id of the host's": [open(3)],
  "OPEN with an id that the host has open": [open(1)],
  "OPEN with id 0": [open(0)],
  "OPEN with an id that is open": [open(2, 0), open(2, 0)],
  "OPEN with a head that is no JSON": [encodeText(KIND.OPEN | END, 2, "{")],
  "ANSWER with a head that is no JSON": [encodeText(KIND.ANSWER, 1, "status: 200")],
  "CANCEL with a payload that is no JSON": [encodeText(KIND.CANCEL | END, 1, "sorry")],
  "NOTE that is no JSON": [encodeText(KIND.NOTE, 0, "")],
  "a second ANSWER": [answer(1), answer(1)],
  "a body without its head": [data(1, 10)],
  "data after the end": [answer(1, END), data(1, 1)],
  "data after the end, in another chunk": [answer(1), data(1, 5, END), data(1, 1)],
  "data beyond the credit": [answer(1), ...FULL, data(1, 1)],
  "data of the request beyond the credit": [
    open(2, 0),
    ...FULL.map((_, i) => data(2, 65_536, i < 0 ? END : 0)),
    data(2, 1),
  ],
  "data of the request after its end": [open(2, END), data(2, 1)],
  "settled before the end of the body": [answer(1), data(1, 0, SETTLED)],
  "settled without an answer": [data(1, 0, SETTLED)],
  "credit that is no number": [encodeText(KIND.CREDIT, 1, "123")],
  "more credit than a window": [encodeCredit(1, 0xffff_ffff)],
  "more credit than a window, in pieces": [encodeCredit(1, WINDOW_BYTES), encodeCredit(1, 1)],
  "trailers that are no JSON": [answer(1), trailers(1, END, "x-a: b")],
  "trailers before the end": [answer(1), trailers(1)],
  "trailers twice": [answer(1), trailers(1, END), trailers(1, END)],
  "trailers after the end": [answer(1, END), trailers(1, END)],
  "trailers after a failure": [encodeText(KIND.CANCEL | END, 1, "{}"), trailers(1, END)],
  "trailers without a head": [trailers(1, END)],
  "data after the trailers": [answer(1), trailers(1, END), data(1, 1)],
  "trailers on a stream that is not open": [trailers(7, END)],
  "trailers of a request before its end": [open(2, 0), trailers(2)],
  "trailers of a request after its end": [open(2, END), trailers(2, END)],
  "trailers of a request twice": [open(2, 0), trailers(2, END), trailers(2, END)],
  "trailers that say they are larger than a head may be": [
    answer(1),
    Buffer.from([0, 16, 0, 1, KIND.TRAILERS | END, 0, 0, 0, 1]),
  ],
  "too many streams at once": Array.from({ length: 17 }, (_, i) => open(2 + 2 * i, 0)),
  "a frame that says it has gigabytes": [Buffer.from([255, 255, 255, 255, KIND.DATA, 0, 0, 0, 1])],
  HTTP: [Buffer.from("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")],
};

describe("a peer breaks the connection at", () => {
  for (const [name, frames] of Object.entries(VIOLATIONS)) {
    for (const how of ["in one chunk", "frame by frame"] as const) {
      it(`${name}, ${how}`, async () => {
        const { peer, raw, broken } = createRaw({ onCall: () => new Promise(() => {}) });
        const calls = [peer.call({}, null), peer.call({}, null), peer.call({}, new ReadableStream())];
        await turns();
        if (how === "in one chunk") raw.write(Buffer.concat(frames));
        else
          for (const frame of frames) {
            raw.write(frame);
            await turns(2);
          }
        await turns();
        expect(broken).toHaveLength(1);
        expect(broken[0]).toBeInstanceOf(ProtocolError);
        expect(peer.openCalls).toBe(0);
        for (const call of calls.slice(1)) await expect(call.answer).rejects.toBe(broken[0]);
        await Promise.all(calls.map(({ settled }) => settled));
        raw.write(answer(1));
        peer.close();
        await turns();
        expect(broken).toHaveLength(1);
      });
    }
  }

  it("its end, with a word about a frame that is not whole", async () => {
    for (const [bytes, isWithinFrame] of [
      [Buffer.alloc(0), false],
      [answer(1).subarray(0, 12), true],
      [answer(1).subarray(0, 3), true],
    ] as const) {
      const { peer, raw, broken, hangUp } = createRaw();
      const call = peer.call({}, null);
      await turns();
      if (bytes.byteLength > 0) raw.write(bytes);
      await turns();
      hangUp();
      await turns();
      expect(broken).toHaveLength(1);
      expect(broken[0]).toBeInstanceOf(ConnectionClosed);
      expect(broken[0]).toMatchObject({ isWithinFrame });
      await expect(call.answer).rejects.toBe(broken[0]);
    }
  });
});

describe("a peer puts up with", () => {
  it("empty data, credit and cancels that cross the end of their stream", async () => {
    const { peer, raw, broken } = createRaw();
    const call = peer.call({}, null);
    await turns();
    raw.write(Buffer.concat([answer(1), data(1, 0), data(1, 0), data(1, 3), data(1, 0, END | SETTLED)]));
    raw.write(Buffer.concat([encodeCredit(1, 10), encodeText(KIND.CANCEL | END, 1, "{}"), encodeCredit(99, 1)]));
    const { body } = await call.answer;
    await call.settled;
    expect(body).toHaveLength(3);
    expect(broken).toEqual([]);
    expect(peer.openCalls).toBe(0);
    peer.close();
  });

  it("notes without end: to count them is its owner's business", async () => {
    const { peer, raw, notes, broken } = createRaw();
    const note = encodeText(KIND.NOTE, 4, '{"note":"log"}');
    raw.write(Buffer.concat(Array.from({ length: 1_000 }, () => note)));
    await turns();
    expect(notes).toHaveLength(1_000);
    expect(notes[0]).toEqual({ stream: 4, note: { note: "log" }, bytes: 14 });
    expect(broken).toEqual([]);
    peer.close();
  });

  it("calls after its end: they fail at once", async () => {
    const { peer, broken } = createRaw();
    peer.close();
    peer.close();
    const call = peer.call({}, new Uint8Array(10));
    await expect(call.answer).rejects.toBeInstanceOf(ConnectionClosed);
    await call.settled;
    peer.note(0, {});
    expect(broken).toHaveLength(1);
    expect(peer.openCalls).toBe(0);
  });
});
