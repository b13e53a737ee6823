import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findNode, getNode } from "../../../src/client/find-node.ts";

let dir = "";
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "nebula-find-"));
});
afterEach(() => rm(dir, { recursive: true }));

async function writeNode(name: string, { node, token }: { node?: string; token?: string }): Promise<string> {
  const stateDir = join(dir, name);
  await mkdir(stateDir);
  if (node !== undefined) await writeFile(join(stateDir, "node.json"), node);
  if (token !== undefined) await writeFile(join(stateDir, "token"), `${token}\n`);
  return stateDir;
}

const nodeJson = (port: number, pid = 1) =>
  JSON.stringify({ dataUrl: "d", controlUrl: `http://127.0.0.1:${port}`, pid });
const isRunning = (pid: number) => pid === 1;

describe("findNode()", () => {
  test("takes the first folder with a node that runs", async () => {
    const stateDirs = [
      join(dir, "nothing"),
      await writeNode("torn", { node: '{"controlUrl": "http', token: "a" }),
      await writeNode("ended", { node: nodeJson(1, 2), token: "b" }),
      await writeNode("closed", { node: nodeJson(2) }),
      await writeNode("running", { node: nodeJson(3), token: "c" }),
      await writeNode("too", { node: nodeJson(4), token: "d" }),
    ];
    expect(await findNode({ stateDirs, env: {}, isRunning })).toEqual({ controlUrl: "http://127.0.0.1:3", token: "c" });
  });

  test("takes what the environment says before the files", async () => {
    const stateDirs = [await writeNode("running", { node: nodeJson(3), token: "c" })];
    const all = { NEBULA_CONTROL_URL: "http://pi:1", NEBULA_TOKEN: "e" };
    expect(await findNode({ stateDirs: [], env: all, isRunning })).toEqual({ controlUrl: "http://pi:1", token: "e" });
    const url = { NEBULA_CONTROL_URL: "http://pi:1", NEBULA_TOKEN: "" };
    expect(await findNode({ stateDirs, env: url, isRunning })).toEqual({ controlUrl: "http://pi:1", token: "c" });
    const token = { NEBULA_TOKEN: "e" };
    expect(await findNode({ stateDirs, env: token, isRunning })).toEqual({
      controlUrl: "http://127.0.0.1:3",
      token: "e",
    });
  });

  test("asks the system whether a process runs", async () => {
    const stateDirs = [await writeNode("own", { node: nodeJson(3, process.pid), token: "c" })];
    expect(await findNode({ stateDirs, env: {} })).toMatchObject({ token: "c" });
    const beyond = [await writeNode("gone", { node: nodeJson(3, 2 ** 30), token: "c" })];
    expect(await findNode({ stateDirs: beyond, env: {} })).toBeUndefined();
  });
});

test("getNode() says where it looked and how to start one", async () => {
  await expect(getNode({ stateDirs: ["/state"], env: {} })).rejects.toMatchObject({
    code: "NEBULA_NODE_UNREACHABLE",
    message: expect.stringContaining('"/state"'),
    hint: expect.stringContaining("nebula serve"),
  });
});
