/**
 * A thousand deployed Wasm functions on one node: how long it takes to boot, what each holds, and the first call of each.
 *
 * Each is another module (by a custom section), so that nothing is shared between them that would not be between a
 * thousand programs of a thousand authors. They are written into the state directory and not deployed one by one.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openConnection } from "../connection.ts";
import { type NebulaServer, readNodeMemory, restartNebula, waitUntilQuiet } from "../nebula.ts";
import { countDescriptors, listTree, readRssBytes } from "../processes.ts";
import { type Findings, type RunOptions, type Scenario, talk } from "../scenario.ts";
import { seed } from "../wasm-node.ts";
import { readFunction, vary, type WasmProgram } from "../wasm-programs.ts";

const REACH = { bootMs: 3_000, bytesEach: 200_000 };
const SAMPLES = 3;
/** Long enough to ask all of them before the first is unloaded again. */
const IDLE_MS = 15_000;
const UNLOADED_MS = IDLE_MS + 5_000;

/** What the node is and holds at one moment. */
interface State {
  readonly when: string;
  readonly hostRssBytes: number;
  readonly hostPssBytes: number;
  readonly guestsPssBytes: number;
  readonly processes: number;
  readonly descriptors: number;
}

const scenario: Scenario = {
  name: "wasi-thousand",
  question: "How long does a node with a thousand Wasm functions take to boot, and what does each of them hold?",
  run: async (findings, options) => {
    const count = options.isQuick ? 100 : 1_000;
    const one = await measure(findings, { count: 1, ...options });
    const many = await measure(findings, { count, ...options });
    report(findings, { count, one, many });
  },
};

export default scenario;

interface Measured {
  readonly bootMs: readonly number[];
  readonly atRest: State;
  readonly asked: State;
  readonly idle: State;
}

async function measure(findings: Findings, { count, signal }: RunOptions & { count: number }): Promise<Measured> {
  const stateDir = mkdtempSync(join(tmpdir(), "nebula-bench-state-"));
  try {
    talk(`  writing ${count} functions`);
    await seed(stateDir, { programs: listPrograms(count), idleMs: IDLE_MS });
    const bootMs: number[] = [];
    for (let i = 1; i < SAMPLES; i++) {
      signal.throwIfAborted();
      await using node = await boot(stateDir, bootMs);
      await waitUntilQuiet(node);
    }
    await using node = await boot(stateDir, bootMs);
    await waitUntilQuiet(node);
    const atRest = readState(node, "at rest");
    talk(`  asking ${count} functions`);
    const calls = await askAll(node, count);
    findings.measure({ subject: "nebula", quantity: `first call of ${count}`, unit: "ms", warmUp: "none" }, calls);
    await waitUntilQuiet(node);
    const asked = readState(node, "each asked once");
    talk("  waiting until they are unloaded again");
    await sleep(UNLOADED_MS, undefined, { signal });
    return { bootMs, atRest, asked, idle: readState(node, "each idle again") };
  } finally {
    rmSync(stateDir, { recursive: true, force: true });
  }
}

function* listPrograms(count: number): Iterable<WasmProgram> {
  const hello = readFunction("hello-rust");
  for (let i = 0; i < count; i++) yield vary(hello, toName(i));
}

function toName(at: number): string {
  return `thousand-${at}`;
}

/** From the command to the line that says that everything serves. */
async function boot(stateDir: string, bootMs: number[]): Promise<NebulaServer> {
  const startedMs = performance.now();
  const node = await restartNebula(stateDir);
  bootMs.push(performance.now() - startedMs);
  return node;
}

async function askAll(node: NebulaServer, count: number): Promise<number[]> {
  using connection = await openConnection(node.url);
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const { status, totalMs } = await connection.get(`/fn/${toName(i)}/`);
    if (status !== 200) throw new Error(`Cannot ask "${toName(i)}": it answers ${status}`);
    times.push(totalMs);
  }
  return times;
}

function readState(node: NebulaServer, when: string): State {
  const { hostBytes, guestsBytes } = readNodeMemory(node);
  const tree = listTree(node.pid);
  return {
    when,
    hostRssBytes: readRssBytes(node.pid),
    hostPssBytes: hostBytes,
    guestsPssBytes: guestsBytes,
    processes: tree.length,
    descriptors: tree.reduce((sum, pid) => sum + countDescriptors(pid), 0),
  };
}

function report(findings: Findings, { count, one, many }: { count: number; one: Measured; many: Measured }): void {
  const toMb = (bytes: number) => Number((bytes / 1e6).toFixed(1));
  const toRow = (functions: number, state: State) => [
    functions,
    state.when,
    toMb(state.hostRssBytes),
    toMb(state.hostPssBytes),
    toMb(state.guestsPssBytes),
    state.processes,
    state.descriptors,
  ];
  findings.tables.push({
    title: "What a node holds",
    columns: ["functions", "when", "host RSS MB", "host PSS MB", "guests PSS MB", "processes", "descriptors"],
    rows: [one, many].flatMap(({ atRest, asked, idle }, i) =>
      [atRest, asked, idle].map((state) => toRow(i === 0 ? 1 : count, state)),
    ),
  });
  const boots = [one, many].map(({ bootMs }, i) => {
    const quantity = `boot with ${i === 0 ? 1 : count} functions, from the command to ready`;
    return findings.measure({ subject: "nebula", quantity, unit: "ms", warmUp: "none" }, bootMs);
  });
  const first = findings.measurements.filter(({ quantity }) => quantity === `first call of ${count}`);
  findings.tables.push({
    title: "Boot and first calls",
    columns: ["what", "count", "median ms", "p99 ms", "max ms"],
    rows: [...boots, ...first].map((m) => [m.quantity, m.count, m.median, m.p99, m.max]),
  });
  const all = ({ hostPssBytes, guestsPssBytes }: State) => hostPssBytes + guestsPssBytes;
  const grow = (key: "atRest" | "asked" | "idle") => (all(many[key]) - all(one[key])) / (count - 1);
  findings.reaches.push({
    what: `boot with ${count} functions, from the command to ready, median`,
    wanted: `≤ ${REACH.bootMs} ms`,
    measured: `${boots[1]?.median.toFixed(0)} ms`,
    isReached: (boots[1]?.median ?? Number.NaN) <= REACH.bootMs,
  });
  for (const key of ["atRest", "idle"] as const) {
    findings.reaches.push({
      what: `PSS of all processes for one function more, ${many[key].when}`,
      wanted: `≤ ${REACH.bytesEach / 1e3} kB`,
      measured: `${(grow(key) / 1e3).toFixed(1)} kB`,
      isReached: grow(key) <= REACH.bytesEach,
    });
  }
  findings.note(
    `one function more that is loaded holds ${(grow("asked") / 1e3).toFixed(1)} kB, its bytes twice among them`,
  );
}
