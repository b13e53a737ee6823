import { describe, expect, it } from "vitest";
import {
  DATA_LIMIT_BYTES,
  END,
  encodeBytes,
  encodeCredit,
  encodeText,
  FRAME_HEADER_BYTES,
  type Frame,
  FrameReader,
  HEAD_LIMIT_BYTES,
  KIND,
  ProtocolError,
  parseCredit,
  parseJson,
  SETTLED,
} from "../../../src/frames/frame.ts";

/** What a frame says, its payload copied. */
const toPlain = ({ kind, isEnd, isSettled, stream, payload }: Frame) => ({
  kind,
  isEnd,
  isSettled,
  stream,
  payload: payload.toString("latin1"),
});

const FRAMES = [
  encodeText(KIND.OPEN | END, 1, '{"a":"é"}'),
  encodeBytes(KIND.DATA, 0xffff_fffe, Buffer.from([0, 1, 255])),
  encodeText(KIND.DATA | END | SETTLED, 2, ""),
  encodeCredit(3, 0xffff_ffff),
  encodeText(KIND.NOTE, 0, "x".repeat(300)),
];
const BYTES = Buffer.concat(FRAMES);

function readAll(chunks: readonly Buffer[]): { frames: ReturnType<typeof toPlain>[]; pendingBytes: number } {
  const reader = new FrameReader();
  const frames: ReturnType<typeof toPlain>[] = [];
  for (const chunk of chunks) reader.push(chunk, (frame) => frames.push(toPlain(frame)));
  return { frames, pendingBytes: reader.pendingBytes };
}

describe("FrameReader", () => {
  const whole = readAll([BYTES]).frames;

  it("reads what was encoded", () => {
    expect(whole.map(({ kind, isEnd, isSettled, stream }) => [kind, isEnd, isSettled, stream])).toEqual([
      [KIND.OPEN, true, false, 1],
      [KIND.DATA, false, false, 0xffff_fffe],
      [KIND.DATA, true, true, 2],
      [KIND.CREDIT, false, false, 3],
      [KIND.NOTE, false, false, 0],
    ]);
    expect(whole[1]?.payload).toBe("\u0000\u0001\u00ff");
  });

  it("reads the same frames wherever the bytes are cut in two", () => {
    for (let at = 0; at <= BYTES.byteLength; at++) {
      expect(readAll([BYTES.subarray(0, at), BYTES.subarray(at)]).frames).toEqual(whole);
    }
  });

  it("reads the same frames byte by byte", () => {
    const { frames, pendingBytes } = readAll([...BYTES].map((byte) => Buffer.from([byte])));
    expect(frames).toEqual(whole);
    expect(pendingBytes).toBe(0);
  });

  it("keeps what is not whole, and says how much it is", () => {
    const [first] = FRAMES;
    for (let at = 0; at < (first?.byteLength ?? 0); at++) {
      expect(readAll([BYTES.subarray(0, at)])).toEqual({ frames: [], pendingBytes: at });
    }
  });

  it.each([
    ["DATA", KIND.DATA, DATA_LIMIT_BYTES],
    ["OPEN", KIND.OPEN, HEAD_LIMIT_BYTES],
    ["NOTE", KIND.NOTE, HEAD_LIMIT_BYTES],
    ["an unknown kind", 60, HEAD_LIMIT_BYTES],
  ])("refuses %s that says it is larger than it may be, before its payload has come", (_, kind, limit) => {
    const head = (length: number) => {
      const bytes = Buffer.alloc(FRAME_HEADER_BYTES);
      bytes.writeUInt32BE(length, 0);
      bytes[4] = kind;
      return bytes;
    };
    expect(() => readAll([head(limit + 1)])).toThrow(ProtocolError);
    expect(() => readAll([head(0xffff_ffff)])).toThrow(ProtocolError);
    expect(readAll([head(limit)]).pendingBytes).toBe(FRAME_HEADER_BYTES);
  });

  it("gives the frames before a broken one", () => {
    const reader = new FrameReader();
    const frames: number[] = [];
    const broken = Buffer.concat([BYTES, Buffer.alloc(FRAME_HEADER_BYTES, 255)]);
    expect(() => reader.push(broken, ({ kind }) => frames.push(kind))).toThrow(ProtocolError);
    expect(frames).toHaveLength(FRAMES.length);
  });
});

describe("payloads", () => {
  it.each(["", "{", "undefined", "{'a':1}", "\u0000", "[1,]"])("parseJson() refuses %j", (text) => {
    expect(() => parseJson(Buffer.from(text))).toThrow(ProtocolError);
  });

  it.each([0, 1, 3, 5, 8])("parseCredit() refuses %i bytes", (length) => {
    const payload = Buffer.alloc(length);
    expect(() => parseCredit({ kind: KIND.CREDIT, isEnd: false, isSettled: false, stream: 1, payload })).toThrow(
      ProtocolError,
    );
  });
});
