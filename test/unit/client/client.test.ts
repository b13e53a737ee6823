import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { toDigest } from "../../../src/build/blob-source.ts";
import { createClient } from "../../../src/client/client.ts";
import type { FunctionStatus } from "../../../src/model/control.ts";
import { DEFAULT_LIMITS, DEFAULT_SCALING } from "../../../src/model/function.ts";

const DIGEST = toDigest(new Uint8Array());
const DEPLOYMENT = { id: "d_1", digest: DIGEST, createdAtMs: 1 } as const;
const HELLO: FunctionStatus = {
  name: "hello",
  deployment: DEPLOYMENT,
  engine: "isolate",
  urls: ["http://hello.localhost:8787/"],
  routes: [],
  instances: { starting: 0, idle: 1, busy: 0 },
  forms: [],
  limits: DEFAULT_LIMITS,
  scaling: DEFAULT_SCALING,
};
const SPEC = {
  name: "hello",
  engines: ["isolate"],
  compatibility: { date: "2026-11-01", flags: [] },
  routes: [],
  bindings: [],
  limits: DEFAULT_LIMITS,
  scaling: DEFAULT_SCALING,
  outbound: [],
} as const;

interface Asked {
  readonly line: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** A control port that gives one answer to everything and keeps what it was asked. */
async function openFake(answer: { status?: number; json?: unknown; text?: string }) {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    asked.push({
      line: `${request.method} ${request.url}`,
      headers: request.headers,
      body: String(Buffer.concat(chunks)),
    });
    response.statusCode = answer.status ?? 200;
    response.end(answer.text ?? (answer.json === undefined ? undefined : JSON.stringify(answer.json)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  const client = createClient({ controlUrl: `http://127.0.0.1:${port}/`, token: "secret" });
  return { asked, client, [Symbol.asyncDispose]: close };
}

describe("createClient()", () => {
  test("asks with the token and reads what the node answers", async () => {
    await using fake = await openFake({ json: { functions: [HELLO] } });
    expect(await fake.client.listFunctions()).toEqual([HELLO]);
    expect(fake.asked).toMatchObject([{ line: "GET /v1/functions", headers: { authorization: "Bearer secret" } }]);
  });

  test("getTop() refuses an answer in which a figure is missing", async () => {
    const node = { version: "1", uptimeMs: 1, cpuMs: 1, memoryBytes: 1 };
    const top = { atMs: 1, node, functions: [], shared: [] };
    await using whole = await openFake({ json: top });
    expect(await whole.client.getTop()).toEqual(top);
    expect(whole.asked[0]?.line).toBe("GET /v1/top");
    await using wrong = await openFake({ json: { ...top, shared: [{ engine: "wasi", usage: { cpuMs: 1 } }] } });
    await expect(wrong.client.getTop()).rejects.toMatchObject({ code: "NEBULA_NODE_UNREACHABLE" });
  });

  test("getFunction() escapes the name", async () => {
    await using fake = await openFake({ json: { function: HELLO, deployments: [{ ...DEPLOYMENT, state: "active" }] } });
    expect((await fake.client.getFunction("a/../b")).function).toEqual(HELLO);
    expect(fake.asked[0]?.line).toBe("GET /v1/functions/a%2F..%2Fb");
  });

  test("removeFunction() is content with no body", async () => {
    await using fake = await openFake({ status: 204 });
    await fake.client.removeFunction("hello");
    expect(fake.asked[0]?.line).toBe("DELETE /v1/functions/hello");
  });

  test("missing() and deploy() send JSON", async () => {
    await using missing = await openFake({ json: { missing: [DIGEST] } });
    expect(await missing.client.missing([DIGEST])).toEqual([DIGEST]);
    expect(missing.asked[0]).toMatchObject({
      line: "POST /v1/blobs/missing",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ digests: [DIGEST] }),
    });
    const answer = { deployment: { ...DEPLOYMENT, state: "active" }, isNew: true, steps: [{ step: "prepare", ms: 2 }] };
    await using deploy = await openFake({ status: 201, json: answer });
    expect(await deploy.client.deploy({ spec: SPEC, forms: [] })).toEqual(answer);
    expect(JSON.parse(deploy.asked[0]?.body ?? "")).toEqual({ spec: SPEC, forms: [] });
  });

  test("put() sends bytes of memory and of a file with their length", async () => {
    const dir = await mkdtemp(join(tmpdir(), "nebula-client-"));
    try {
      const path = join(dir, "blob");
      await writeFile(path, "from a file");
      await using fake = await openFake({ status: 201 });
      await fake.client.put(DIGEST, { from: "memory", content: Buffer.from("from memory") });
      await fake.client.put(DIGEST, { from: "file", path, bytes: 11 });
      expect(fake.asked).toMatchObject([
        { line: `PUT /v1/blobs/${DIGEST}`, body: "from memory", headers: { "content-length": "11" } },
        { line: `PUT /v1/blobs/${DIGEST}`, body: "from a file", headers: { "content-length": "11" } },
      ]);
      const gone = fake.client.put(DIGEST, { from: "file", path: join(dir, "gone"), bytes: 1 });
      await expect(gone).rejects.toMatchObject({ code: "NEBULA_BUILD_FAILED" });
    } finally {
      await rm(dir, { recursive: true });
    }
  });

  test("throws what the node tells of, under its own code", async () => {
    const diagnostics = [{ severity: "error", message: "m", file: "f", line: 1, column: 2, hint: "h" }] as const;
    const problem = {
      code: "NEBULA_PREPARE_FAILED",
      status: 422,
      title: "t",
      detail: "Cannot prepare it",
      hint: "Do this",
      instance: "r1",
      details: { function: "hello" },
      diagnostics,
      stack: "TypeError: x\n    at hello.ts:3:4",
    };
    await using fake = await openFake({ status: 422, json: problem });
    await expect(fake.client.deploy({ spec: SPEC, forms: [] })).rejects.toMatchObject({
      code: "NEBULA_PREPARE_FAILED",
      message: "Cannot prepare it",
      hint: "Do this",
      details: { function: "hello", requestId: "r1" },
      diagnostics,
      cause: { message: "TypeError: x", stack: "TypeError: x\n    at hello.ts:3:4" },
    });
  });

  test.each([
    { name: "an unknown code", answer: { status: 500, json: { code: "OTHER", status: 500 } }, message: "status 500" },
    { name: "a page", answer: { status: 404, text: "<h1>Not found</h1>" }, message: "status 404" },
    { name: "no JSON", answer: { text: "hello" }, message: "another form" },
    { name: "other JSON", answer: { json: { functions: [{ name: 1 }] } }, message: "another form" },
    { name: "null", answer: { text: "null" }, message: "another form" },
    { name: "a redirection", answer: { status: 302 }, message: "Cannot reach" },
  ])("takes $name for no node", async ({ answer, message }) => {
    await using fake = await openFake(answer);
    await expect(fake.client.listFunctions()).rejects.toMatchObject({
      code: "NEBULA_NODE_UNREACHABLE",
      message: expect.stringContaining(message),
    });
  });

  test("says how to start a node where none listens", async () => {
    const fake = await openFake({});
    await fake[Symbol.asyncDispose]();
    await expect(fake.client.getNode()).rejects.toMatchObject({
      code: "NEBULA_NODE_UNREACHABLE",
      message: expect.stringContaining("nothing listens there"),
      hint: "Start the node with nebula serve",
    });
  });

  test("rejects with the signal's reason", async () => {
    await using fake = await openFake({ json: {} });
    const reason = new Error("enough");
    await expect(fake.client.getNode({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});
