/**
 * The same function on Node and on Deno as the runtime of its guest: cold starts from the pool, warm requests, memory.
 *
 * Two nodes, one for each runtime, measured in turn.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Connection, openConnection } from "../connection.ts";
import { openGenerator } from "../load.ts";
import { listGuests, type NebulaServer, startNebula, toFunctionFiles, waitUntilQuiet } from "../nebula.ts";
import { readPssBytes } from "../processes.ts";
import { checkAnswer, measure, ROUND_COLUMNS, report } from "../rounds.ts";
import type { Findings, RunOptions, Scenario } from "../scenario.ts";

const RUNTIMES = ["node", "deno"] as const;
const CONNECTIONS = [1, 32];
/** Starts that do not count. */
const WARM_UP_STARTS = 5;
const MIB = 1024 * 1024;

const scenario: Scenario = {
  name: "deno-guest",
  question: "What does a function cost on Deno as the runtime of its guest, beside Node?",
  run: async (findings, options) => {
    await using stack = new AsyncDisposableStack();
    const nodes: NebulaServer[] = [];
    for (const runtime of RUNTIMES) nodes.push(stack.use(await startOn(runtime, options)));
    findings.tables.push({
      title: "Cold start: request to first byte; memory of a warm guest",
      columns: ["runtime", "starts", "median ms", "p95 ms", "p99 ms", "max ms", "PSS MiB"],
      rows: await measureStarts(findings, { nodes, options }),
    });
    findings.tables.push({
      title: "Hello through HTTP (medians of the rounds)",
      columns: ROUND_COLUMNS,
      rows: await measureWarm(findings, { nodes, options }),
    });
  },
};

export default scenario;

interface Subjects {
  readonly nodes: readonly NebulaServer[];
  readonly options: RunOptions;
}

function countStarts({ isQuick }: RunOptions): number {
  return isQuick ? 10 : 100;
}

/** A node with hello and the functions that are to be started, all on one runtime. */
async function startOn(runtime: string, options: RunOptions): Promise<NebulaServer> {
  const settings = `[nebula]\nruntime = "${runtime}"\n`;
  const names = Array.from({ length: WARM_UP_STARTS + countStarts(options) }, (_, at) => `start-${at}`);
  const hello = readFileSync(join(import.meta.dirname, "../fixtures/hello.js"), "utf8");
  const files = [...names.map((name) => toFunctionFiles(name, settings)), toFunctionFiles("hello", settings)];
  const node = await startNebula({ ...Object.assign({}, ...files), "functions/hello/index.js": hello });
  return { ...node, name: `nebula on ${runtime}`, url: new URL("/fn/hello/", node.url) };
}

async function measureStarts(findings: Findings, { nodes, options }: Subjects): Promise<(string | number)[][]> {
  const rows: (string | number)[][] = [];
  for (const node of nodes) {
    using connection = await openConnection(node.url);
    await connection.get("/fn/hello/");
    const pss = Math.max(...listGuests(node).map(readPssBytes)) / MIB;
    const samples: number[] = [];
    for (let at = 0; at < WARM_UP_STARTS + countStarts(options); at++) {
      options.signal.throwIfAborted();
      await waitUntilQuiet(node);
      const ms = await startOnce(node, { connection, name: `start-${at}` });
      if (at >= WARM_UP_STARTS) samples.push(ms);
    }
    const { count, median, p95, p99, max } = findings.measure(
      {
        subject: node.name,
        quantity: "start from the pool to first byte",
        unit: "ms",
        warmUp: `${WARM_UP_STARTS} starts`,
      },
      samples,
    );
    rows.push([node.name, count, median, p95, p99, max, Number(pss.toFixed(1))]);
  }
  return rows;
}

async function startOnce(
  node: NebulaServer,
  { connection, name }: { connection: Connection; name: string },
): Promise<number> {
  const { firstByteMs, body, head } = await connection.get(`/fn/${name}/`);
  if (body !== `${name}\n` || !/start;desc="cold"/.test(head))
    throw new Error(`Cannot count the start of "${name}": ${head}`);
  await node.client.removeFunction(name);
  return firstByteMs;
}

async function measureWarm(findings: Findings, { nodes, options }: Subjects): Promise<(string | number)[][]> {
  const generator = openGenerator();
  findings.note(`load by ${generator.description}`);
  await Promise.all(nodes.map(async (node) => await checkAnswer(node)));
  const plan = options.isQuick
    ? { warmUpSeconds: 1, seconds: 2, count: 2 }
    : { warmUpSeconds: 3, seconds: 6, count: 3 };
  const rows: (string | number)[][] = [];
  for (const connections of CONNECTIONS) {
    const rounds = await measure(nodes, { generator, connections, plan, ...options });
    rows.push(...report(findings, { connections, rounds, plan }));
  }
  return rows;
}
