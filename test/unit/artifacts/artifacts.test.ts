import { mkdtemp, readdir, rm, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Artifacts } from "../../../src/artifacts/artifacts.ts";
import { openArtifacts } from "../../../src/artifacts/artifacts.ts";
import { digestOf } from "../../../src/artifacts/digest.ts";
import type { Digest } from "../../../src/model/artifact.ts";
import type { ErrorCode } from "../../../src/model/errors.ts";

const LIMIT = { limitBytes: 1_000_000 };
const HELLO = new TextEncoder().encode("hello");
const HELLO_DIGEST = digestOf(HELLO);

let dir: string;
let artifacts: Artifacts;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "nebula-artifacts-"));
  artifacts = await openArtifacts(join(dir, "artifacts"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const failure = (code: ErrorCode, message?: string) =>
  expect.objectContaining({ code, ...(message !== undefined && { message }) });

const pathOf = (digest: Digest) => join(dir, "artifacts", digest.slice(7, 9), digest.slice(9));

/** Every file below the folder, so that nothing can be left behind unseen. */
async function listFiles(): Promise<string[]> {
  const entries = await readdir(join(dir, "artifacts"), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
}

function streamOf(...chunks: Uint8Array[]): ReadableStream<Uint8Array> {
  return ReadableStream.from(chunks);
}

async function readAll(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

describe("put()", () => {
  it("stores bytes under ab/cdef…", async () => {
    await artifacts.put(HELLO_DIGEST, HELLO, LIMIT);
    expect(await listFiles()).toEqual([HELLO_DIGEST.slice(9)]);
    expect(Buffer.from(await artifacts.read(HELLO_DIGEST))).toEqual(Buffer.from(HELLO));
  });

  it("stores a stream of any pieces, empty ones and none among them", async () => {
    const big = new Uint8Array(300_000).map((_, index) => index * 7);
    await artifacts.put(digestOf(big), streamOf(big.subarray(0, 1), new Uint8Array(), big.subarray(1)), LIMIT);
    await artifacts.put(digestOf(new Uint8Array()), streamOf(), LIMIT);
    expect(Buffer.from(await artifacts.read(digestOf(big))).equals(big)).toBe(true);
    expect((await artifacts.read(digestOf(new Uint8Array()))).byteLength).toBe(0);
  });

  it.each([
    ["bytes", () => HELLO],
    ["a stream", () => streamOf(HELLO)],
  ])("refuses %s with another digest and leaves nothing", async (_, source) => {
    const wanted = digestOf(new Uint8Array(1));
    await expect(artifacts.put(wanted, source(), LIMIT)).rejects.toThrow(
      failure("NEBULA_ARTIFACT_INVALID", `Cannot store "${wanted}": the bytes have another digest`),
    );
    expect(await listFiles()).toEqual([]);
  });

  it("refuses more bytes than the limit, stops the stream and leaves nothing", async () => {
    let cancelled = false;
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(1000)),
      cancel: () => {
        cancelled = true;
      },
    });
    await expect(artifacts.put(HELLO_DIGEST, endless, { limitBytes: 2048 })).rejects.toThrow(
      failure("NEBULA_BODY_TOO_LARGE", `Cannot store "${HELLO_DIGEST}": it is larger than 2 KiB`),
    );
    expect(cancelled).toBe(true);
    expect(await listFiles()).toEqual([]);
  });

  it("accepts exactly the limit", async () => {
    await artifacts.put(HELLO_DIGEST, HELLO, { limitBytes: HELLO.byteLength });
    await expect(artifacts.put(HELLO_DIGEST, HELLO, { limitBytes: HELLO.byteLength - 1 })).rejects.toThrow(
      failure("NEBULA_BODY_TOO_LARGE"),
    );
  });

  it("is quiet about the same bytes twice, also at the same time", async () => {
    await Promise.all(Array.from({ length: 8 }, () => artifacts.put(HELLO_DIGEST, streamOf(HELLO), LIMIT)));
    await artifacts.put(HELLO_DIGEST, HELLO, LIMIT);
    expect(await listFiles()).toEqual([HELLO_DIGEST.slice(9)]);
  });

  it("stops waiting for a silent stream when the signal aborts", async () => {
    const abort = new AbortController();
    let cancelReason: unknown;
    const silent = new ReadableStream<Uint8Array>({
      pull: () => abort.abort(new Error("gone")),
      cancel: (reason) => {
        cancelReason = reason;
      },
    });
    await expect(artifacts.put(HELLO_DIGEST, silent, { ...LIMIT, signal: abort.signal })).rejects.toThrow("gone");
    expect(cancelReason).toEqual(new Error("gone"));
    expect(await listFiles()).toEqual([]);
  });

  it("passes on what the stream throws and leaves nothing", async () => {
    const broken = new ReadableStream<Uint8Array>({
      pull: () => {
        throw new Error("cut off");
      },
    });
    await expect(artifacts.put(HELLO_DIGEST, broken, LIMIT)).rejects.toThrow("cut off");
    expect(await listFiles()).toEqual([]);
  });

  it("mends a damaged file", async () => {
    await artifacts.put(HELLO_DIGEST, HELLO, LIMIT);
    await writeFile(pathOf(HELLO_DIGEST), "jello");
    await artifacts.put(HELLO_DIGEST, HELLO, LIMIT);
    expect(Buffer.from(await artifacts.read(HELLO_DIGEST)).toString()).toBe("hello");
  });

  it("reports a disk that refuses", async () => {
    await rm(join(dir, "artifacts"), { recursive: true });
    await expect(artifacts.put(HELLO_DIGEST, HELLO, LIMIT)).rejects.toThrow(failure("NEBULA_STATE_FAILED"));
  });
});

describe("a text that is not a digest", () => {
  it.each([
    "",
    "sha256:",
    `sha256:${"A".repeat(64)}`,
    `sha256:../${"a".repeat(61)}`,
    `sha256:${"a".repeat(64)}\n`,
    "ab/cd",
  ])("%j never becomes a path", async (text) => {
    const refused = failure("NEBULA_ARTIFACT_INVALID");
    await expect(artifacts.has(text)).rejects.toThrow(refused);
    await expect(artifacts.put(text, HELLO, LIMIT)).rejects.toThrow(refused);
    await expect(artifacts.read(text)).rejects.toThrow(refused);
    expect(() => artifacts.stream(text)).toThrow(refused);
    expect(await listFiles()).toEqual([]);
  });
});

describe("has() and missing()", () => {
  it("tell what is here, each digest once and in order", async () => {
    const [a, b] = [digestOf(new Uint8Array(1)), digestOf(new Uint8Array(2))];
    await artifacts.put(HELLO_DIGEST, HELLO, LIMIT);
    expect(await artifacts.has(HELLO_DIGEST)).toBe(true);
    expect(await artifacts.has(a)).toBe(false);
    expect(await artifacts.missing([b, HELLO_DIGEST, a, b])).toEqual([b, a]);
  });
});

describe("read()", () => {
  it("refuses a missing and a damaged file", async () => {
    await expect(artifacts.read(HELLO_DIGEST)).rejects.toThrow(
      failure("NEBULA_STATE_FAILED", `Cannot read "${HELLO_DIGEST}": the file is missing`),
    );
    await artifacts.put(HELLO_DIGEST, HELLO, LIMIT);
    await writeFile(pathOf(HELLO_DIGEST), "jello");
    await expect(artifacts.read(HELLO_DIGEST)).rejects.toThrow(
      failure("NEBULA_STATE_FAILED", `Cannot read "${HELLO_DIGEST}": the file is damaged`),
    );
  });
});

describe("stream()", () => {
  const big = new Uint8Array(200_000).map((_, index) => index % 251);
  const digest = digestOf(big);
  beforeEach(() => artifacts.put(digest, big, LIMIT));

  it("gives the whole file", async () => {
    expect(Buffer.from(await readAll(artifacts.stream(digest))).equals(big)).toBe(true);
  });

  it.each([
    [0, 0],
    [0, 199_999],
    [5, 9],
    [65_535, 65_536],
    [199_999, 199_999],
  ])("gives the bytes from %i to %i", async (start, end) => {
    const bytes = await readAll(artifacts.stream(digest, { start, end }));
    expect(Buffer.from(bytes).equals(big.subarray(start, end + 1))).toBe(true);
  });

  it("fails for a range that the file does not have", async () => {
    await truncate(pathOf(digest), 100_000);
    await expect(readAll(artifacts.stream(digest, { start: 0, end: 199_999 }))).rejects.toThrow(
      failure("NEBULA_STATE_FAILED", `Cannot read "${digest}": the file is shorter than it should be`),
    );
  });

  it("fails at the first read when the file is missing", async () => {
    const reader = artifacts.stream(HELLO_DIGEST).getReader();
    await expect(reader.read()).rejects.toThrow(failure("NEBULA_STATE_FAILED"));
  });

  it("opens no file before it is read, and closes it when it is cancelled", async () => {
    const openFiles = async () => (await readdir("/proc/self/fd")).length;
    const before = await openFiles();
    const stream = artifacts.stream(digest);
    expect(await openFiles()).toBe(before);
    const reader = stream.getReader();
    await reader.read();
    expect(await openFiles()).toBe(before + 1);
    await reader.cancel();
    expect(await openFiles()).toBe(before);
  });
});

describe("sweep()", () => {
  it("removes nothing while somebody holds what is here", async () => {
    await artifacts.put(HELLO_DIGEST, HELLO, LIMIT);
    {
      using _one = artifacts.hold();
      using _two = artifacts.hold();
      expect(await artifacts.sweep(new Set())).toEqual({ count: 0, bytes: 0 });
    }
    expect(await artifacts.sweep(new Set())).toEqual({ count: 1, bytes: 5 });
  });

  it("removes what is not kept and what interrupted puts left, and counts it", async () => {
    const other = new Uint8Array(10);
    await artifacts.put(HELLO_DIGEST, HELLO, LIMIT);
    await artifacts.put(digestOf(other), other, LIMIT);
    await writeFile(join(dir, "artifacts", "incoming", "left-behind"), "abc");
    expect(await artifacts.sweep(new Set([HELLO_DIGEST]))).toEqual({ count: 2, bytes: 13 });
    expect(await listFiles()).toEqual([HELLO_DIGEST.slice(9)]);
    expect(await artifacts.sweep(new Set([HELLO_DIGEST]))).toEqual({ count: 0, bytes: 0 });
  });

  it("spares blobs written since a given time", async () => {
    await artifacts.put(HELLO_DIGEST, HELLO, LIMIT);
    await utimes(pathOf(HELLO_DIGEST), 1000, 1000);
    expect((await artifacts.sweep(new Set(), { writtenBeforeMs: 1_000_000 })).count).toBe(0);
    expect((await artifacts.sweep(new Set(), { writtenBeforeMs: 1_000_001 })).count).toBe(1);
  });

  it("leaves a put alone that is under way", async () => {
    const gate = Promise.withResolvers<void>();
    const started = Promise.withResolvers<void>();
    const slow = new ReadableStream<Uint8Array>({
      async pull(controller) {
        started.resolve();
        await gate.promise;
        controller.enqueue(HELLO);
        controller.close();
      },
    });
    const put = artifacts.put(HELLO_DIGEST, slow, LIMIT);
    await started.promise;
    expect((await artifacts.sweep(new Set())).count).toBe(0);
    gate.resolve();
    await put;
    expect(await artifacts.has(HELLO_DIGEST)).toBe(true);
  });

  it("never removes a blob that is put while it runs", async () => {
    const blobs = Array.from({ length: 40 }, (_, index) => new Uint8Array([index]));
    for (const blob of blobs) await artifacts.put(digestOf(blob), blob, LIMIT);
    const puts = blobs.map((blob) => artifacts.put(digestOf(blob), blob, LIMIT));
    await Promise.all([artifacts.sweep(new Set()), artifacts.sweep(new Set()), ...puts]);
    expect(await artifacts.missing(blobs.map(digestOf))).toEqual([]);
  });
});

describe("openArtifacts()", () => {
  it("says what is wrong with the folder", async () => {
    await writeFile(join(dir, "file"), "");
    await expect(openArtifacts(join(dir, "file"))).rejects.toThrow(failure("NEBULA_STATE_FAILED"));
  });
});
