/**
 * Who asks the control API for something large and leaves: nothing of it stays, and the next one is served.
 */

import { readdir } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openTestNode, type TestNode } from "../support/node.ts";

/** Processes start and end meanwhile. */
const PATIENT = { timeout: 20_000 };
let node: TestNode;

beforeAll(async () => {
  node = await openTestNode();
  const rows =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20) INSERT INTO t SELECT randomblob(50000)";
  const queries = [{ sql: "CREATE TABLE t (a)" }, { sql: `${rows} FROM n` }];
  const filled = await ask("POST", "/v1/d1/db/query?create=yes", JSON.stringify({ queries }));
  expect(filled.status).toBe(200);
});
afterAll(() => node.close());

function ask(method: string, path: string, body?: string): Promise<Response> {
  const headers = { authorization: `Bearer ${node.token}` };
  return fetch(node.controlUrl + path, { method, headers, ...(body !== undefined && { body }) });
}

/** Sends a request, and is gone: at once, or when the first byte of an answer has come. */
async function leave(method: string, path: string, when: "at once" | "when answered"): Promise<void> {
  const { hostname, port } = new URL(node.controlUrl);
  const socket = connect(Number(port), hostname);
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.on("error", () => {}).on("close", resolve);
  socket.once("data", () => socket.destroy());
  const head = `${method} ${path} HTTP/1.1\r\nhost: ${hostname}\r\nauthorization: Bearer ${node.token}\r\ncontent-length: 0\r\n\r\n`;
  socket.write(head, () => when === "at once" && socket.destroy());
  await promise;
}

const listCopies = () => readdir(join(node.stateDir, "d1/.copies")).catch(() => []);

describe("an export", () => {
  test("that is only asked for its head leaves no copy", async () => {
    expect((await ask("HEAD", "/v1/d1/db/export")).status).toBe(200);
    await expect.poll(listCopies, PATIENT).toEqual([]);
  });

  test.each(["at once", "when answered"] as const)("that nobody reads leaves no copy: gone %s", async (when) => {
    await leave("GET", "/v1/d1/db/export", when);
    expect(await (await ask("GET", "/v1/d1/db/export")).text()).toMatch(/-- end of export\n$/);
    await expect.poll(listCopies, PATIENT).toEqual([]);
  });
});

describe("a backup", () => {
  test.each(["at once", "when answered"] as const)(
    "that nobody reads is no obstacle to the next: gone %s",
    async (when) => {
      await leave("POST", "/v1/backup", when);
      const next = async () => {
        const answer = await ask("POST", "/v1/backup");
        return [answer.status, (await answer.bytes()).byteLength > 1_000_000];
      };
      await expect.poll(next, PATIENT).toEqual([200, true]);
      await expect.poll(() => readdir(node.stateDir), PATIENT).not.toContain("backup");
    },
  );
});
