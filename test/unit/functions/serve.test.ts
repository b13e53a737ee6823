/** `functions/_shared/serve.js`, which hosts Workers in containers: a process of its own, asked over HTTP. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { until } from "../../support/capabilities.ts";
import { openRaw } from "../../support/raw-http.ts";

const SERVE = join(import.meta.dirname, "../../../functions/_shared/serve.js");
const HANDLER = `
import { serve } from ${JSON.stringify(SERVE)};
serve({
  async fetch(request) {
    const { pathname, search } = new URL(request.url);
    if (pathname === "/throws") throw new Error("no such picture");
    if (pathname === "/echo") return new Response(request.body, { headers: { "x-method": request.method } });
    const headers = [["set-cookie", "a=1"], ["set-cookie", "b=2"], ["content-length", "3"]];
    return new Response(search === "?empty" ? null : "one", { status: 201, headers: search === "?empty" ? [] : headers });
  },
});
`;

async function findFreePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  server.close();
  return typeof address === "object" ? (address?.port ?? 0) : 0;
}

async function start() {
  const port = await findFreePort();
  const child = spawn(process.execPath, ["--input-type=module", "--eval", HANDLER], {
    env: { PORT: String(port) },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const exit = once(child, "close");
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await exit;
  });
  let stderr = "";
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  const url = `http://127.0.0.1:${port}`;
  await until("it listens", () =>
    fetch(url)
      .then((response) => response.text())
      .then(Boolean, () => false),
  );
  return { url, child, exit, said: () => stderr };
}

test("status, headers and body are those of the response", async () => {
  const { url } = await start();
  const response = await fetch(url);
  expect(response.status).toBe(201);
  expect(response.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
  expect(await response.text()).toBe("one");
  const head = await fetch(url, { method: "HEAD" });
  expect([head.status, head.headers.get("content-length"), await head.text()]).toEqual([201, "3", ""]);
  expect(await (await fetch(`${url}/?empty`)).text()).toBe("");
});

test("bodies stream both ways at once", async () => {
  const { url } = await start();
  await using connection = await openRaw(url);
  connection.send("POST /echo HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (const word of ["one", "two"]) {
    connection.send(`3\r\n${word}\r\n`);
    await connection.until(word);
  }
  connection.send("0\r\n\r\n");
  expect((await connection.next()).body).toBe("onetwo");
});

test("an error of the handler is a 500 and a line of the log, and what is no address a 400", async () => {
  const { url, said } = await start();
  const response = await fetch(`${url}/throws`);
  expect([response.status, await response.text()]).toEqual([500, "The function failed\n"]);
  expect(said()).toContain("no such picture");
  await using connection = await openRaw(url);
  connection.send("OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n");
  expect((await connection.next()).status).toBe(400);
});

test("SIGTERM lets what is in flight end, and nothing begin", async () => {
  const { url, child, exit } = await start();
  await using connection = await openRaw(url);
  connection.send("POST /echo HTTP/1.1\r\nHost: a.test\r\nContent-Length: 6\r\n\r\none");
  await connection.until("one");
  child.kill("SIGTERM");
  await until("it listens no more", () =>
    fetch(url).then(
      () => false,
      () => true,
    ),
  );
  expect(child.exitCode).toBeNull();
  connection.send("two");
  expect((await connection.next()).body).toBe("onetwo");
  expect(await exit).toEqual([0, null]);
});
