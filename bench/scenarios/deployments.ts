/**
 * A thousand deployments of one function, one after the other: how long each takes, and whether anything grows.
 *
 * Each has other code, uploaded through the control API as the command line does, and is asked once, so that each
 * has an instance that must go again. Bundling is not part of it.
 */

import { createHash } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Digest } from "../../src/model/artifact.ts";
import type { DeploymentInput } from "../../src/model/deployment.ts";
import { DEFAULT_LIMITS, DEFAULT_SCALING } from "../../src/model/function.ts";
import { type Connection, openConnection } from "../connection.ts";
import { type NebulaServer, startNebula, toFunctionFiles, waitUntilQuiet } from "../nebula.ts";
import { countDescriptors, listTree, readPssBytes, readRssBytes } from "../processes.ts";
import { type Findings, type Scenario, talk } from "../scenario.ts";
import { toSlope } from "../stats.ts";

const NAME = "changing";
/** More than in the first half by this share is growth. */
const TOLERANCE = 0.1;
const WRITE_AHEAD_LOG = "-wal";

interface State {
  readonly deployments: number;
  readonly hostRssBytes: number;
  readonly hostPssBytes: number;
  readonly descriptors: number;
  readonly processes: number;
  readonly stateBytes: number;
  /** SQLite's write-ahead log: it grows to a bound and begins again, so that a reading says nothing about growth. */
  readonly logBytes: number;
}

const scenario: Scenario = {
  name: "deployments",
  question: "How long does a deployment take on the node, and does anything grow over a thousand of them?",
  run: async (findings, options) => {
    await using node = await startNebula(toFunctionFiles("other"));
    using connection = await openConnection(node.url);
    const { total, step } = options.isQuick ? { total: 100, step: 10 } : { total: 1_000, step: 100 };
    const states: State[] = [];
    const deployMs: number[] = [];
    const firstByteMs: number[] = [];
    for (let version = 1; version <= total; version++) {
      options.signal.throwIfAborted();
      deployMs.push(await deploy(node, version));
      firstByteMs.push(await ask(connection, version));
      if (version % step !== 0) continue;
      await waitUntilQuiet(node);
      states.push(readState(node, version));
      talk(`  ${version} deployments`);
    }
    report(findings, { states, deployMs, firstByteMs });
  },
};

export default scenario;

/** Uploads and activates other code than before; how long that took. */
async function deploy({ client }: NebulaServer, version: number): Promise<number> {
  const content = Buffer.from(`export default { fetch: () => new Response("version ${version}\\n") };\n`);
  const digest: Digest = `sha256:${createHash("sha256").update(content).digest("hex")}`;
  const input: DeploymentInput = {
    spec: {
      name: NAME,
      engines: ["isolate"],
      compatibility: { date: "2026-11-01", flags: [] },
      routes: [],
      bindings: [],
      limits: DEFAULT_LIMITS,
      scaling: DEFAULT_SCALING,
      outbound: [],
    },
    forms: [
      {
        engine: "isolate",
        artifact: {
          kind: "js",
          main: { name: "index.js", kind: "js", digest, bytes: content.byteLength },
          modules: [],
          style: "module",
        },
      },
    ],
  };
  const startedMs = performance.now();
  const missing = await client.missing([digest]);
  if (missing.includes(digest)) await client.put(digest, { from: "memory", content });
  await client.deploy(input);
  return performance.now() - startedMs;
}

/** The new version must answer the very next request. */
async function ask(connection: Connection, version: number): Promise<number> {
  const { status, body, firstByteMs } = await connection.get(`/fn/${NAME}/`);
  if (body !== `version ${version}\n`) throw new Error(`Cannot ask version ${version}: ${status} ${body.trim()}`);
  return firstByteMs;
}

function readState(node: NebulaServer, deployments: number): State {
  return {
    deployments,
    hostRssBytes: readRssBytes(node.pid),
    hostPssBytes: readPssBytes(node.pid),
    descriptors: countDescriptors(node.pid),
    processes: listTree(node.pid).length,
    stateBytes: readDirBytes(node.stateDir, (name) => !name.endsWith(WRITE_AHEAD_LOG)),
    logBytes: readDirBytes(node.stateDir, (name) => name.endsWith(WRITE_AHEAD_LOG)),
  };
}

function readDirBytes(dir: string, isCounted: (name: string) => boolean): number {
  const entries = readdirSync(dir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && isCounted(entry.name));
  return files.reduce(
    (bytes, { parentPath, name }) => bytes + (statSync(join(parentPath, name), { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
}

/** Growth shows in what `judged` picks of the readings: of memory the least, since the rest is garbage not yet collected. */
const QUANTITIES = [
  { key: "hostRssBytes", label: "host RSS", unit: "MB", divisor: 1e6, judged: "least" },
  { key: "hostPssBytes", label: "host PSS", unit: "MB", divisor: 1e6, judged: "least" },
  { key: "descriptors", label: "descriptors", unit: "", divisor: 1, judged: "most" },
  { key: "processes", label: "processes", unit: "", divisor: 1, judged: "most" },
  { key: "stateBytes", label: "state", unit: "kB", divisor: 1e3, judged: "most" },
  { key: "logBytes", label: "its log", unit: "kB", divisor: 1e3, judged: undefined },
] as const;

interface Series {
  readonly states: readonly State[];
  readonly deployMs: readonly number[];
  readonly firstByteMs: readonly number[];
}

function report(findings: Findings, { states, deployMs, firstByteMs }: Series): void {
  findings.details.states = states;
  const of = { subject: "nebula", unit: "ms", warmUp: "none" };
  const deployed = findings.measure({ ...of, quantity: "deployment: upload, prepare, activate" }, deployMs);
  const asked = findings.measure({ ...of, quantity: "first request after it, to first byte" }, firstByteMs);
  findings.tables.push({
    title: "Deployments one after the other, through the control API",
    columns: ["what", "count", "median ms", "p95 ms", "p99 ms", "max ms"],
    rows: [deployed, asked].map((m) => [m.quantity, m.count, m.median, m.p95, m.p99, m.max]),
  });
  const show = (value: number, divisor: number) => Number((value / divisor).toFixed(1));
  const slopes = QUANTITIES.map(({ key, divisor }) => {
    const points = states.slice(1).map((state) => ({ x: state.deployments / 1_000, y: state[key] / divisor }));
    return Number(toSlope(points).toFixed(2));
  });
  findings.tables.push({
    title: "What the node holds after them",
    columns: ["after", ...QUANTITIES.map(({ label, unit }) => `${label} ${unit}`.trim())],
    rows: [
      ...states.map((state) => [
        String(state.deployments),
        ...QUANTITIES.map(({ key, divisor }) => show(state[key], divisor)),
      ]),
      ["growth per 1000, without the first", ...slopes],
    ],
  });
  judge(findings, states);
}

/** The second half of the readings against the first: until then caches fill and code gets optimised. */
function judge(findings: Findings, states: readonly State[]): void {
  const half = Math.ceil(states.length / 2);
  for (const { key, label, unit, divisor, judged } of QUANTITIES) {
    if (judged === undefined) continue;
    const pick = judged === "least" ? Math.min : Math.max;
    const [early = 0, late = 0] = [states.slice(0, half), states.slice(half)].map((list) =>
      pick(...list.map((state) => state[key])),
    );
    const show = (value: number) => `${(value / divisor).toFixed(1).replace(/\.0$/, "")} ${unit}`.trim();
    findings.reaches.push({
      what: `${label}: ${judged} in the second half of the deployments`,
      wanted: `≤ ${show(early * (1 + TOLERANCE))} (first half + ${TOLERANCE * 100} %)`,
      measured: show(late),
      isReached: late <= early * (1 + TOLERANCE),
    });
  }
}
