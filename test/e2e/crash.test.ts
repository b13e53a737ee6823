/**
 * What was answered is there, whenever a node or one of its processes is killed; and no half of a batch is.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createClient } from "../../src/client/client.ts";
import { openTestNode } from "../support/node.ts";
import { childrenOf } from "../support/processes.ts";
import { createRandom } from "../support/random.ts";

const NODE = join(import.meta.dirname, "../support/crash-node.ts");
const NODE_KILLS = 50;
const PROCESS_KILLS = 20;
/** Clients of each kind of write; each writes one thing after the other. */
const CLIENTS = 2;
const KINDS = ["key", "counter", "row", "batch"] as const;
const BATCH_ROWS = 5;
/** A kill comes with one of the first so many answers, while the other clients are in the middle of something. */
const MOST_ANSWERS = 80;

const GUEST = `
const SCHEMA = ["CREATE TABLE IF NOT EXISTS rows (run TEXT, id TEXT)", "CREATE TABLE IF NOT EXISTS parts (run TEXT, id TEXT, part INTEGER)"];
export default {
  async fetch(request, { DB, KV }) {
    const url = new URL(request.url);
    const { kind, run, id } = Object.fromEntries(url.searchParams);
    if (kind === "schema") await DB.batch(SCHEMA.map((text) => DB.prepare(text)));
    else if (kind === "key") await KV.put(run + ":" + id, id.repeat(50));
    else if (kind === "counter") await KV.put("counter-" + id.split("-")[0], id.split("-")[1]);
    else if (kind === "row") await DB.prepare("INSERT INTO rows VALUES (?, ?)").bind(run, id).run();
    else if (kind === "batch") {
      const insert = DB.prepare("INSERT INTO parts VALUES (?, ?, ?)");
      await DB.batch(Array.from({ length: ${BATCH_ROWS} }, (_, part) => insert.bind(run, id, part)));
    } else return Response.json(await look({ DB, KV }, run));
    return new Response(id);
  },
};
async function look({ DB, KV }, run) {
  const keys = [];
  for (let cursor; ; ) {
    const page = await KV.list({ prefix: run + ":", cursor });
    keys.push(...page.keys.map(({ name }) => name.slice(run.length + 1)));
    if (page.list_complete) break;
    cursor = page.cursor;
  }
  const broken = [];
  for (const id of keys) if ((await KV.get(run + ":" + id)) !== id.repeat(50)) broken.push(id);
  const counters = [];
  for (let client = 0; client < ${CLIENTS}; client += 1) counters.push(Number(await KV.get("counter-" + client)));
  const rows = await DB.prepare("SELECT id FROM rows WHERE run = ?").bind(run).raw();
  const batches = await DB.prepare("SELECT id, count(*) FROM parts WHERE run = ? GROUP BY id").bind(run).raw();
  return { keys, broken, counters, rows: rows.flat(), batches };
}`;

interface Found {
  readonly keys: readonly string[];
  readonly broken: readonly string[];
  readonly counters: readonly number[];
  readonly rows: readonly string[];
  readonly batches: readonly (readonly [id: string, rows: number])[];
}

/** What was answered with 200 between two kills, by kind of write. */
type Acknowledged = Record<(typeof KINDS)[number], string[]>;

interface RunningNode {
  readonly child: ChildProcess;
  readonly dataUrl: string;
  readonly controlUrl: string;
  readonly token: string;
}

let stateDir: string;
let running: RunningNode;

beforeAll(async () => {
  stateDir = await mkdtemp(join(tmpdir(), "nebula-crash-"));
  running = await startNode();
  const author = await openTestNode();
  const bindings = [
    { type: "d1" as const, name: "DB", id: "ledger" },
    { type: "kv" as const, name: "KV", id: "notes" },
  ];
  await author.deploy("writer", GUEST, { bindings, limits: { subrequests: 100_000 }, target: createClient(running) });
  await author.close();
  await ask({ kind: "schema", run: "", id: "" });
});

afterAll(async () => {
  await killNode();
  await rm(stateDir, { recursive: true, force: true });
});

test(`a node that is killed ${NODE_KILLS} times has every write that it answered, and no half of a batch`, async () => {
  const random = createRandom(20_261_121);
  const runs = new Map<string, Acknowledged>();
  for (let kill = 0; kill < NODE_KILLS; kill += 1) {
    const run = `node${kill}`;
    runs.set(run, await writeUntil(run, 1 + Math.floor(random() * MOST_ANSWERS), killNode));
    running = await startNode();
    await expectAll(run, runs.get(run));
  }
  for (const [run, acknowledged] of runs) await expectAll(run, acknowledged);
}, 300_000);

test(`a process of a node that is killed ${PROCESS_KILLS} times takes no answered write with it, and the node serves on`, async () => {
  const random = createRandom(5);
  for (let kill = 0; kill < PROCESS_KILLS; kill += 1) {
    const run = `process${kill}`;
    const killOne = async () => {
      const children = childrenOf(running.child.pid);
      const victim = children[Math.floor(random() * children.length)];
      if (victim !== undefined) process.kill(victim, "SIGKILL");
    };
    const acknowledged = await writeUntil(run, 1 + Math.floor(random() * MOST_ANSWERS), killOne);
    await expectAll(run, acknowledged);
  }
}, 120_000);

/** Has all clients write until so many writes were answered and `kill` is done; a client ends with its first failure. */
async function writeUntil(run: string, answers: number, kill: () => Promise<void>): Promise<Acknowledged> {
  const acknowledged: Acknowledged = { key: [], counter: [], row: [], batch: [] };
  let count = 0;
  let killing: Promise<void> | undefined;
  const write = async (kind: (typeof KINDS)[number], client: number) => {
    while (killing === undefined) {
      const id = `${client}-${next()}`;
      if (!(await ask({ kind, run, id }).catch(() => undefined))?.ok) return;
      acknowledged[kind].push(id);
      count += 1;
      if (count === answers) killing = kill();
    }
  };
  const clients = Array.from({ length: CLIENTS }, (_, client) => KINDS.map((kind) => write(kind, client)));
  await Promise.all(clients.flat());
  if (killing === undefined) throw new Error(`every client failed after ${count} answers`);
  await killing;
  return acknowledged;
}

let written = 0;
/** Grows with every write, so that a counter that went back is seen. */
function next(): number {
  written += 1;
  return written;
}

async function expectAll(run: string, acknowledged: Acknowledged = { key: [], counter: [], row: [], batch: [] }) {
  const found = await look(run);
  expect(found.broken, `values of ${run}`).toEqual([]);
  expect(missing(acknowledged.key, found.keys), `keys of ${run}`).toEqual([]);
  expect(missing(acknowledged.row, found.rows), `rows of ${run}`).toEqual([]);
  const batches = found.batches.map(([id]) => id);
  expect(missing(acknowledged.batch, batches), `batches of ${run}`).toEqual([]);
  expect(
    found.batches.filter(([, rows]) => rows !== BATCH_ROWS),
    `halves of batches of ${run}`,
  ).toEqual([]);
  for (const [client, value] of found.counters.entries()) {
    const last = acknowledged.counter.filter((id) => id.startsWith(`${client}-`)).at(-1);
    expect(value, `counter ${client} after ${run}`).toBeGreaterThanOrEqual(Number(last?.split("-")[1] ?? 0));
  }
}

/** What is there. Whoever asks while a killed process has not been replaced is told so, and asks again. */
async function look(run: string): Promise<Found> {
  for (let left = 20; ; left -= 1) {
    const response = await ask({ kind: "look", run, id: "" });
    const text = await response.text();
    if (response.ok) return JSON.parse(text);
    if (left === 0) throw new Error(`the node does not serve on: ${text}`);
  }
}

function missing(wanted: readonly string[], found: readonly string[]): string[] {
  const there = new Set(found);
  return wanted.filter((id) => !there.has(id));
}

async function ask(query: Readonly<Record<"kind" | "run" | "id", string>>): Promise<Response> {
  const response = await fetch(`${running.dataUrl}/fn/writer/?${new URLSearchParams(query)}`);
  if (query.kind !== "look") await response.arrayBuffer();
  return response;
}

async function startNode(): Promise<RunningNode> {
  const child = spawn(process.execPath, [NODE, stateDir], { stdio: ["ignore", "pipe", "inherit"] });
  if (child.stdout === null) throw new Error("there is no standard output");
  const [line] = await once(createInterface(child.stdout), "line");
  return { child, ...JSON.parse(line) };
}

async function killNode(): Promise<void> {
  const { child } = running;
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
}
