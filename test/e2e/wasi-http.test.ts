/**
 * wasi:http on real sockets, both ways: a component that does what its path says (test/fixtures/wasm/http-lab), a server
 * behind it, and a client that sees every byte.
 */

import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTcpServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createEsbuild } from "../../src/build/esbuild.ts";
import { planBuild } from "../../src/build/plan.ts";
import { openBuilder } from "../../src/build/run.ts";
import { createClient } from "../../src/client/client.ts";
import { readProject } from "../../src/config/read-project.ts";
import { deployProject } from "../../src/deploy.ts";
import { type Host, openHost } from "../../src/host.ts";
import type { LogLevel } from "../../src/model/ports.ts";
import { until } from "../support/capabilities.ts";
import { openRaw, type RawConnection } from "../support/raw-http.ts";
import { toProgram } from "../support/wasi-programs.ts";

const REPO = join(import.meta.dirname, "../..");
const LAB = join(REPO, "test/fixtures/wasm/http-lab.wasm");
const STREAM = join(REPO, "functions/stream-component/stream-component.wasm");

/** A CGI program whose body is its environment, a NUL after each variable. */
const SHOW_ENV = toProgram({
  imports: `(import "wasi_snapshot_preview1" "environ_sizes_get" (func $sizes (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "environ_get" (func $environ (param i32 i32) (result i32)))`,
  rest: `(data (i32.const 256) "Content-Type: text/plain\\n\\n")`,
  start: `
    (drop (call $sizes (i32.const 512) (i32.const 516)))
    (drop (call $environ (i32.const 1024) (i32.const 8192)))
    (call $print (i32.const 1) (i32.const 256) (i32.const 26))
    (call $print (i32.const 1) (i32.const 8192) (i32.load (i32.const 516)))`,
});

interface Logged {
  readonly msg: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

let host: Host;
let dir: string;
/** Nobody listens there any more. */
let closedPort: number;
const lines: Logged[] = [];
const sockets = new Set<Socket>();
const server = createServer(serve);
/** Says what is no HTTP, or nothing, and ends. */
const liar = createTcpServer((socket) => {
  sockets.add(socket);
  socket.on("error", () => {});
  socket.once("data", (bytes) => socket.end(bytes.includes("/lies") ? "SSH-2.0-none\r\n\r\n" : ""));
});

function serve(request: IncomingMessage, response: ServerResponse): void {
  const { url } = request;
  if (url === "/trailers") {
    response.writeHead(200, { trailer: "x-end" }).write("body");
    response.addTrailers({ "x-end": "all of it", "content-type": "no/trailer" });
    response.end();
  } else if (url === "/breaks") {
    response.writeHead(200).write("some");
    setTimeout(() => response.destroy(), 20);
  } else if (url === "/early") {
    response.writeHead(200, { "content-length": "100" }).write("some");
    setTimeout(() => response.destroy(), 20);
  } else {
    response.end("plain");
  }
}

const portOf = (listening: { address(): unknown }): number => {
  const address = listening.address();
  return typeof address === "object" && address !== null && "port" in address ? Number(address.port) : 0;
};
const listen = (listening: typeof server | typeof liar) =>
  new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));

async function deploy(name: string, wasm: Uint8Array | string, lines: readonly string[]): Promise<void> {
  const folder = await mkdtemp(join(dir, "function-"));
  if (typeof wasm === "string") await cp(wasm, join(folder, "main.wasm"));
  else await writeFile(join(folder, "main.wasm"), wasm);
  const config = [`name = "${name}"`, 'main = "main.wasm"', 'compatibility_date = "2026-11-01"'];
  await writeFile(
    join(folder, "wrangler.toml"),
    [...config, "[nebula]", 'engines = ["wasi"]', ...lines, ""].join("\n"),
  );
  const { project, warnings } = await readProject(folder);
  expect(warnings).toEqual([]);
  await using esbuild = createEsbuild();
  await using builder = openBuilder(planBuild(project), { esbuild });
  await deployProject(project.spec, { target: createClient(host), builder, signal: new AbortController().signal });
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "nebula-wasi-http-"));
  const gone = createServer();
  await Promise.all([listen(server), listen(liar), listen(gone)]);
  closedPort = portOf(gone);
  gone.close();
  host = await openHost({
    stateDir: join(dir, "state"),
    hostname: "127.0.0.1",
    dataPort: 0,
    controlPort: 0,
    isDevelopment: false,
    log: { write: (_level: LogLevel, msg, fields = {}) => void lines.push({ msg, fields }) },
  });
  const allowed = [
    `127.0.0.1:${portOf(server)}`,
    `127.0.0.1:${portOf(liar)}`,
    `127.0.0.1:${closedPort}`,
    "no-such-host.invalid",
  ];
  await deploy("lab", LAB, [`outbound = ${JSON.stringify(allowed)}`, "[nebula.limits]", 'headers = "8 KiB"']);
  await deploy("stream", STREAM, []);
  await deploy("env", SHOW_ENV, ['interface = "cgi"']);
}, 120_000);

afterAll(async () => {
  await host.drain();
  for (const socket of sockets) socket.destroy();
  server.closeAllConnections();
  for (const each of [server, liar]) await new Promise((resolve) => each.close(resolve));
  await rm(dir, { recursive: true, force: true });
});

const get = (path: string, version = "1.1") => `GET ${path} HTTP/${version}\r\nHost: a.test\r\n\r\n`;

/** Everything that comes as the answer to one request, until the last chunk or the end of the connection. */
async function ask(request: string): Promise<string> {
  await using connection = await openRaw(host.dataUrl);
  connection.send(request);
  await wholeAnswer(connection);
  return connection.received;
}

async function wholeAnswer(connection: RawConnection): Promise<void> {
  await until("an answer", () => connection.isClosed || isWhole(connection.received));
}

function isWhole(text: string): boolean {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return false;
  const length = /\r\ncontent-length: (\d+)\r\n/.exec(text);
  return length === null ? /\r\n0\r\n(?:.+\r\n)*\r\n$/.test(text) : text.length >= end + 4 + Number(length[1]);
}

/** What was logged of the last request of a function. */
async function lastCode(path: string): Promise<unknown> {
  const before = lines.length;
  const answer = await ask(get(path));
  await until("a line in the log", () => lines.slice(before).some(({ fields }) => "status" in fields));
  const line = lines.slice(before).find(({ fields }) => "status" in fields);
  return { answer, code: line?.fields.code };
}

describe("trailers of an answer", () => {
  test("come after the last chunk, announced where they are known before", async () => {
    const answer = await ask(get("/fn/lab/trailers/1/3"));
    expect(answer).toMatch(/\r\ntrailer: x-a\r\n/);
    expect(answer).toMatch(/\r\n4\r\nbody\r\n0\r\nx-a: aaa\r\n\r\n$/);
    expect(answer).not.toContain("content-length");
  });

  test("come after a stream too", async () => {
    const lineByLine = await ask(get("/fn/stream/?n=3&delay=20"));
    expect(lineByLine).toMatch(/\r\n0\r\nx-lines: 3\r\n\r\n$/);
    const chunks = "3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n";
    const capitals = await ask(
      `POST /fn/stream/ HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`,
    );
    expect(capitals).toMatch(/\r\n0\r\nx-bytes: 6\r\n\r\n$/);
  });

  test("are announced by the component, without what may be none", async () => {
    const answer = await ask(get("/fn/lab/announced"));
    expect(answer).toMatch(/\r\ntrailer: x-late\r\n/);
    expect(answer).toMatch(/\r\n5\r\nfirst\r\n0\r\nx-late: yes\r\n\r\n$/);
  });

  test("are only those that may come there", async () => {
    const answer = await ask(get("/fn/lab/forbidden"));
    expect(answer).toMatch(/\r\n0\r\nx-kept: yes\r\n\r\n$/);
    expect(answer).toMatch(/\r\ntrailer: x-kept\r\n/);
  });

  test("leave the connection to the next request", async () => {
    await using connection = await openRaw(host.dataUrl);
    connection.send(get("/fn/lab/trailers/2/5"));
    await until("trailers", () => connection.received.endsWith("\r\nx-a: aaaaa\r\nx-a: aaaaa\r\n\r\n"));
    connection.send(get("/fn/lab/status/201"));
    await until("another answer", () => connection.received.endsWith("\r\n\r\nbody"));
    expect(connection.received.match(/HTTP\/1\.1 20[01]/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 201"]);
  });

  test("are dropped where there is no room for them", async () => {
    const old = await ask(get("/fn/lab/trailers/1/3", "1.0"));
    expect(old).toMatch(/\r\n\r\nbody$/);
    expect(old).not.toContain("x-a");
    await using connection = await openRaw(host.dataUrl);
    connection.send("HEAD /fn/lab/trailers/1/3 HTTP/1.1\r\nHost: a.test\r\n\r\n");
    const { status, body } = await connection.next("HEAD");
    expect([status, body]).toEqual([200, ""]);
  });

  test("that are too large make the response one that cannot be passed on", async () => {
    const { answer, code } = Object(await lastCode("/fn/lab/trailers/3/4000"));
    expect(code).toBe("NEBULA_RESPONSE_INVALID");
    expect(answer).toMatch(/^HTTP\/1\.1 500 /);
  });
});

describe("trailers of a request", () => {
  const send = (trailers: string) =>
    ask(
      `POST /fn/lab/echo HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n${trailers}\r\n`,
    );

  test("reach the component", async () => {
    expect(await send("X-Check: sum of it\r\n")).toMatch(/\r\nx-trailers: some\r\nx-check: sum of it\r\n/);
  });

  test("are none where none came, and where none may come", async () => {
    expect(await send("")).toMatch(/\r\nx-trailers: none\r\n/);
    expect(await send("Authorization: me\r\nX-Request-Id: 7\r\n")).toMatch(/\r\nx-trailers: none\r\n/);
  });

  test("are none after a body with a length", async () => {
    const answer = await ask("POST /fn/lab/echo HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\n\r\nbody");
    expect(answer).toMatch(/\r\nx-trailers: none\r\n/);
  });
});

describe("an answer that is none", () => {
  test.each([100, 101, 150, 199, 600, 999])("status %i is refused", async (status) => {
    const { answer, code } = Object(await lastCode(`/fn/lab/status/${status}`));
    expect(code).toBe("NEBULA_RESPONSE_INVALID");
    expect(answer).toMatch(/^HTTP\/1\.1 500 /);
  });

  test.each([
    ["a trap", "trap", "NEBULA_GUEST_TRAPPED"],
    ["a body that is dropped", "unfinished", "NEBULA_RESPONSE_INVALID"],
    ["a body that is shorter than it said", "short", "NEBULA_RESPONSE_INVALID"],
  ])("%s after the head cuts the connection, and the log says why", async (_, path, expected) => {
    const { answer, code } = Object(await lastCode(`/fn/lab/${path}`));
    expect(code).toBe(expected);
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer).not.toMatch(/\r\n0\r\n/);
  });
});

describe("requests that a component makes", () => {
  const out = async (target: string, how = "out") => {
    const answer = await ask(get(`/fn/lab/${how}/${target}`));
    return answer
      .slice(answer.indexOf("\r\n\r\n") + 4)
      .replace(/(?:^|\r\n)[0-9a-f]+\r\n/g, "")
      .trim();
  };
  /** The place of a case in the variant `error-code`. */
  const CODE = {
    "DNS-error": 1,
    "connection-refused": 6,
    "connection-terminated": 7,
    "connection-timeout": 8,
    "HTTP-request-denied": 15,
    "HTTP-protocol-error": 35,
  } as const;

  test("get the trailers of their answer", async () => {
    const answer = await out(`127.0.0.1:${portOf(server)}/trailers`);
    expect(answer).toBe("status 200\nbody\nsome\nx-end all of it");
  });

  test("get no trailers where there are none", async () => {
    expect(await out(`127.0.0.1:${portOf(server)}/plain`)).toBe("status 200\nplain\nnone\nx-end");
  });

  test("are told why they fail", async () => {
    const liarAt = `127.0.0.1:${portOf(liar)}`;
    expect(await out("127.0.0.1:2/")).toBe(`error ${CODE["HTTP-request-denied"]}`);
    expect(await out(`127.0.0.1:${closedPort}/`)).toBe(`error ${CODE["connection-refused"]}`);
    expect(await out("no-such-host.invalid/")).toBe(`error ${CODE["DNS-error"]}`);
    expect(await out(`${liarAt}/lies`)).toBe(`error ${CODE["HTTP-protocol-error"]}`);
    expect(await out(`${liarAt}/ends`)).toBe(`error ${CODE["connection-terminated"]}`);
  });

  test("are told when the body breaks off", async () => {
    for (const path of ["breaks", "early"]) {
      expect(await out(`127.0.0.1:${portOf(server)}/${path}`)).toMatch(/^status 200\nsome\n(broken|error)/);
    }
  });

  test("may be many at once, up to the limit of subrequests", async () => {
    const at = `127.0.0.1:${portOf(server)}/plain`;
    expect(await out(at, "many/900")).toBe("answers 900\nerrors 0");
    expect(await out(at, "many/15000")).toBe("answers 1000\nerrors 14000");
    expect(lines.filter(({ fields }) => fields.code === "NEBULA_PROTOCOL_BROKEN")).toEqual([]);
  });

  test("have a connection in time", async () => {
    expect(await out(`127.0.0.1:${portOf(server)}/plain`, "timed")).toBe("status 200\nplain\nnone\nx-end");
  });
});

describe("a CGI program", () => {
  const variables = async (path: string, hostHeader = "a.test") => {
    await using connection = await openRaw(host.dataUrl);
    connection.send(`GET ${path} HTTP/1.1\r\nHost: ${hostHeader}\r\n\r\n`);
    const { body } = await connection.next();
    return Object.fromEntries(body.split("\0").map((line) => line.split(/=(.*)/s).slice(0, 2)));
  };

  test("knows where it is, under a path and on a host of its own", async () => {
    expect(await variables("/fn/env/a%20b?c=d")).toMatchObject({
      SCRIPT_NAME: "/fn/env",
      PATH_INFO: "/a b",
      X_FULL_URL: "http://a.test/fn/env/a%20b?c=d",
    });
    expect(await variables("/a", "env.localhost")).toMatchObject({
      SCRIPT_NAME: "",
      PATH_INFO: "/a",
      X_FULL_URL: "http://env.localhost/a",
    });
  });

  test("knows who asks, whatever the client says", async () => {
    expect(await variables("/fn/env/")).toMatchObject({ REMOTE_ADDR: "127.0.0.1", REMOTE_HOST: "127.0.0.1" });
  });
});
