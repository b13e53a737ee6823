import { mkdir, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createFolder, run } from "./support.ts";

const TIMING = 'route;dur=0.02, queue;dur=0, start;dur=2.1;desc="cold", run;dur=0.8';

/** A node of one function: one server for both ports, and a folder with its state. */
async function openFakeNode(answer: (request: IncomingMessage, body: string, response: ServerResponse) => void) {
  const folder = await createFolder({ "body.txt": "from a file" });
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const { url } = request;
    const dataUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    if (url === "/v1/node") {
      response.end(JSON.stringify({ version: "0", dataUrl, controlUrl: dataUrl, layers: [], functions: 1 }));
    } else if (url === "/v1/functions/hello") {
      const digest = `sha256:${"0".repeat(64)}`;
      const deployment = { id: "d_1", digest, createdAtMs: 1 };
      const instances = { starting: 0, idle: 0, busy: 0 };
      const status = {
        name: "hello",
        deployment,
        engine: "isolate",
        urls: [],
        routes: [],
        instances,
        forms: [],
        limits: {},
        scaling: {},
      };
      response.end(JSON.stringify({ function: status, deployments: [] }));
    } else answer(request, body, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const stateDir = join(folder.dir, ".nebula");
  await mkdir(stateDir);
  const controlUrl = `http://127.0.0.1:${port}`;
  await writeFile(join(stateDir, "node.json"), JSON.stringify({ dataUrl: controlUrl, controlUrl, pid: process.pid }));
  await writeFile(join(stateDir, "token"), "t");
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await folder[Symbol.asyncDispose]();
  };
  return { port, dir: folder.dir, [Symbol.asyncDispose]: close };
}

/** Answers with what it was asked. */
function echo(request: IncomingMessage, body: string, response: ServerResponse): void {
  const { method, url, headers } = request;
  response.setHeader("server-timing", TIMING);
  response.end(
    JSON.stringify({ method, url, host: headers.host, x: headers["x-a"], length: headers["content-length"], body }),
  );
}

describe("nebula invoke", () => {
  test("prints the body on stdout, status and phases on stderr", async () => {
    await using node = await openFakeNode(echo);
    const { code, stdout, stderr } = await run(["invoke", "hello"], { cwd: node.dir });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ method: "GET", url: "/", host: `hello.localhost:${node.port}`, body: "" });
    expect(stderr).toBe("200 · route 0.02 ms · queue 0 ms · start 2.1 ms (cold) · run 0.8 ms\n");
  });

  test.each([
    { argv: ["--path", "/a?b=1"], asked: { url: "/a?b=1" } },
    { argv: ["--path", "a"], asked: { url: "/a" } },
    { argv: ["-X", "delete"], asked: { method: "DELETE" } },
    { argv: ["-H", "X-A: 1"], asked: { x: "1" } },
    { argv: ["-d", "text"], asked: { method: "POST", body: "text", length: "4" } },
    { argv: ["-d", "@body.txt", "-X", "PUT"], asked: { method: "PUT", body: "from a file", length: "11" } },
    { argv: ["-d", "-"], asked: { method: "POST", body: "from stdin" } },
  ])("sends what $argv says", async ({ argv, asked }) => {
    await using node = await openFakeNode(echo);
    const { code, stdout } = await run(["invoke", "hello", ...argv], { cwd: node.dir, stdin: "from stdin" });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject(asked);
  });

  test("prints one object with --json, bytes that are no text as base64", async () => {
    await using node = await openFakeNode((request, _body, response) => {
      response.setHeader("server-timing", TIMING);
      response.statusCode = 418;
      response.end(request.url === "/text" ? "grüße" : Buffer.from([0xff, 0x00]));
    });
    const text = await run(["invoke", "hello", "--path", "/text", "--json"], { cwd: node.dir });
    expect(text).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(text.stdout)).toMatchObject({
      status: 418,
      headers: { "server-timing": TIMING },
      body: "grüße",
      encoding: "utf8",
      phases: [{ name: "route", ms: 0.02 }, { name: "queue", ms: 0 }, { name: "start", ms: 2.1, desc: "cold" }, {}],
    });
    const bytes = await run(["invoke", "hello", "--json"], { cwd: node.dir });
    expect(JSON.parse(bytes.stdout)).toMatchObject({ body: "/wA=", encoding: "base64" });
  });

  test.each([
    { status: 500, error: "NEBULA_GUEST_THREW", code: 1 },
    { status: 503, error: "NEBULA_OVERLOADED", code: 1 },
    { status: 413, error: "NEBULA_BODY_TOO_LARGE", code: 2 },
  ])("tells of $error as the node does and exits with $code", async ({ status, error, code }) => {
    await using node = await openFakeNode((_request, _body, response) => {
      response.writeHead(status, { "content-type": "application/problem+json" });
      response.end(JSON.stringify({ status, code: error, detail: "what happened" }));
    });
    const ran = await run(["invoke", "hello"], { cwd: node.dir });
    expect(ran).toEqual({ code, stdout: "", stderr: `error ${error}\nwhat happened\n` });
  });

  test("takes a function's own problem for an answer", async () => {
    await using node = await openFakeNode((_request, _body, response) => {
      response.writeHead(500, { "content-type": "application/problem+json" });
      response.end('{"status":500,"title":"mine"}');
    });
    const { code, stdout } = await run(["invoke", "hello"], { cwd: node.dir });
    expect({ code, stdout }).toEqual({ code: 0, stdout: '{"status":500,"title":"mine"}' });
  });

  test.each([[[]], [["--json"]]])("tells of an answer that breaks off, with %j", async (argv) => {
    await using node = await openFakeNode((_request, _body, response) => {
      response.write("begun", () => response.destroy());
    });
    const { code, stdout, stderr } = await run(["invoke", "hello", ...argv], { cwd: node.dir });
    expect(code).toBe(1);
    expect(stdout + stderr).toContain("NEBULA_RESPONSE_INVALID");
  });

  test("refuses a file that is not there before anything is sent", async () => {
    await using node = await openFakeNode(echo);
    const { code, stderr } = await run(["invoke", "hello", "-d", "@gone.txt"], { cwd: node.dir });
    expect(code).toBe(2);
    expect(stderr).toContain('Cannot read "gone.txt": there is no such file');
  });
});
