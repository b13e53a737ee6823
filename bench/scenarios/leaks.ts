/**
 * Hundreds of starts and stops in each engine: whether they leave a process, a descriptor, a container or memory.
 *
 * The engines are asked without a node above them, so that nothing else begins or ends meanwhile. Containers are left
 * until they are frozen, stopped or removed in turn, in a Docker daemon that has nothing else in it.
 */

import { ensureBaseImage } from "../../test/support/base-images.ts";
import { noCapabilities } from "../../test/support/capabilities.ts";
import { openContainerLab } from "../../test/support/container-lab.ts";
import {
  buildResting,
  GUEST_BYTES_PER_CYCLE,
  HEAP_BYTES_PER_CYCLE,
  type Held,
  prepareResting,
  REST_STATES,
  readDocker,
  runCycles,
  startAndRest,
  startAndStop,
  toGrowth,
} from "../../test/support/cycles.ts";
import { openIsolateLab } from "../../test/support/isolate-lab.ts";
import { findObstacle, openPrivateDocker } from "../../test/support/private-docker.ts";
import { openWasiLab } from "../../test/support/wasi-lab.ts";
import { saying } from "../../test/support/wasi-programs.ts";
import { type Findings, type RunOptions, type Scenario, talk } from "../scenario.ts";

const ANSWER = "here";
/** Caches fill and code gets optimised meanwhile. */
const WARM_UP_READINGS = 2;
const READINGS = 10;
const scenario: Scenario = {
  name: "leaks",
  question: "Do 500 starts and stops of each engine leave a process, container, network, descriptor or memory?",
  run: async (findings, options) => {
    await measureIsolate(findings, options);
    await measureWasi(findings, options);
    await measureContainer(findings, options);
    findings.note("the heap is what is in use after garbage was collected; guests collect theirs when they like");
  },
};

export default scenario;

async function measureIsolate(findings: Findings, options: RunOptions): Promise<void> {
  await using lab = await openIsolateLab();
  const source = { files: { "index.ts": `export default { fetch: () => new Response("${ANSWER}") };` } };
  await using prepared = await lab.engine.prepare(await lab.build(source), toPrepare(options));
  await measure(findings, { engine: "isolate", options, run: () => startAndStop(prepared, ANSWER) });
}

async function measureWasi(findings: Findings, options: RunOptions): Promise<void> {
  await using lab = await openWasiLab();
  await using prepared = await lab.engine.prepare(lab.deploy({ wasm: saying(ANSWER) }), toPrepare(options));
  await measure(findings, { engine: "wasi", options, run: () => startAndStop(prepared, ANSWER) });
}

async function measureContainer(findings: Findings, options: RunOptions): Promise<void> {
  const obstacle = findObstacle();
  if (obstacle !== undefined) {
    findings.unavailable.container = obstacle;
    return;
  }
  await using docker = await openPrivateDocker();
  await ensureBaseImage("node:26-slim");
  const { image, answer } = await buildResting(docker);
  {
    await using lab = await openContainerLab();
    await using prepared = await prepareResting(lab, image);
    const run = (cycle: number) => startAndRest(prepared, { cycle, answer });
    await measure(findings, { engine: "container", options, run });
  }
  for (const [what, left] of Object.entries(await readDocker(docker))) {
    findings.reaches.push({
      what: `${what} in Docker afterwards`,
      wanted: "0",
      measured: `${left}`,
      isReached: left === 0,
    });
  }
}

function toPrepare({ signal }: RunOptions) {
  return { signal, capabilities: noCapabilities, isProven: true };
}

interface Measured {
  readonly engine: string;
  readonly options: RunOptions;
  run(cycle: number): Promise<void>;
}

async function measure(findings: Findings, { engine, options, run }: Measured): Promise<void> {
  // Of containers there is none at each reading.
  const every = REST_STATES * Math.ceil((options.isQuick ? 50 : 500) / READINGS / REST_STATES);
  const count = every * READINGS;
  const warmUp = every * WARM_UP_READINGS;
  const tookMs: number[] = [];
  const runTimed = async (cycle: number) => {
    options.signal.throwIfAborted();
    const startedMs = performance.now();
    await run(cycle);
    tookMs.push(performance.now() - startedMs);
  };
  await runCycles({ count: warmUp, every: warmUp, run: runTimed });
  tookMs.length = 0;
  const readings = await runCycles({
    count,
    every,
    run: runTimed,
    onReading: ({ cycles }) => talk(`  ${engine}: ${cycles} starts and stops`),
  });
  const of = { subject: engine, unit: "ms", warmUp: `${warmUp} starts and stops` };
  findings.measure({ ...of, quantity: "start, one request, stop" }, tookMs);
  findings.details[engine] = readings;
  report(findings, engine, readings);
}

function report(findings: Findings, engine: string, readings: readonly Held[]): void {
  const show = (bytes: number) => Number((bytes / 1e6).toFixed(2));
  findings.tables.push({
    title: `${engine}: what is held after so many starts and stops`,
    columns: ["after", "processes", "descriptors", "sockets", "heap MB", "RSS of children MB"],
    rows: readings.map((held) => [
      String(held.cycles),
      ...[held.processes, held.descriptors, held.sockets],
      ...[show(held.heapBytes), show(held.childrenBytes)],
    ]),
  });
  const [first, ...later] = readings;
  for (const key of ["processes", "descriptors", "sockets"] as const) {
    const [before = 0, most] = [first?.[key], Math.max(...later.map((held) => held[key]))];
    findings.reaches.push({
      what: `${engine}: ${key}, the most of all readings`,
      wanted: `≤ ${before} (before)`,
      measured: String(most),
      isReached: most <= before,
    });
  }
  const limits = { heapBytes: HEAP_BYTES_PER_CYCLE, childrenBytes: GUEST_BYTES_PER_CYCLE };
  for (const key of ["heapBytes", "childrenBytes"] as const) {
    // The child beside containers is Docker's daemon, whose memory is no business of ours.
    if (key === "childrenBytes" && engine === "container") continue;
    const growth = toGrowth(readings, key);
    findings.reaches.push({
      what: `${engine}: ${key === "heapBytes" ? "heap of the host" : "RSS of child processes"}, growth with each start`,
      wanted: `< ${limits[key]} B`,
      measured: `${growth.toFixed(0)} B`,
      isReached: growth < limits[key],
    });
  }
}
