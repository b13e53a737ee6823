/**
 * Starts of one program in every engine, phase by phase: from nothing, from a container that is stopped or frozen, and
 * by `docker run` of the same image. What the node says is in Server-Timing; what a client sees is beside it.
 *
 * An instance is let go as soon as it has nothing to do, so that each request finds what its row says. Rounds go from
 * one subject to the next, so that what disturbs the machine disturbs all of them.
 */

import { execFile } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { type Phase, parseServerTiming } from "../../src/cli/server-timing.ts";
import { openConnection, type Reply } from "../connection.ts";
import { askForm, compileServer, PATHS, toFormFiles } from "../engine-set.ts";
import { type NebulaServer, type ProjectFiles, startNebula } from "../nebula.ts";
import { type Findings, type Scenario, talk } from "../scenario.ts";
import { findRatio, round, toMedian } from "../stats.ts";

const execute = promisify(execFile);

const REACH = { coldRatio: 1_000, thawRatio: 20 };
const HOUR_MS = 3_600_000;
/** Shorter than any pause here. */
const AT_ONCE_MS = 1;

/** A subject: a function, how it rests between two requests, and how one knows that it does. */
interface Subject {
  readonly name: string;
  readonly what: string;
  readonly files: (server: Uint8Array) => ProjectFiles;
  /** Of Server-Timing. */
  readonly kind: "cold" | "thaw";
  /** A phase that must be there, or must not: which of the states it came from. */
  readonly phase?: { readonly name: string; readonly isThere: boolean };
}

function toContainer(name: string, { stopMs, removeMs }: { stopMs: number; removeMs: number }) {
  return (server: Uint8Array) =>
    toFormFiles(name, server, {
      engines: ["container"],
      more: `stop_after_ms = ${stopMs}\nremove_after_ms = ${removeMs}\n[nebula.scaling]\nidle_ms = ${AT_ONCE_MS}\n`,
    });
}

const SUBJECTS: readonly Subject[] = [
  {
    name: "start-wasi",
    what: "wasi: a fresh instance",
    files: (server) => toFormFiles("start-wasi", server, { engines: ["wasi"] }),
    kind: "cold",
  },
  {
    name: "start-isolate",
    what: "isolate: a process of the pool",
    files: (server) =>
      toFormFiles("start-isolate", server, {
        engines: ["isolate"],
        more: `[nebula.scaling]\nidle_ms = ${AT_ONCE_MS}\n`,
      }),
    kind: "cold",
  },
  {
    name: "start-frozen",
    what: "container: frozen",
    files: toContainer("start-frozen", { stopMs: HOUR_MS, removeMs: HOUR_MS }),
    kind: "thaw",
  },
  {
    name: "start-stopped",
    what: "container: stopped",
    files: toContainer("start-stopped", { stopMs: AT_ONCE_MS, removeMs: HOUR_MS }),
    kind: "cold",
    phase: { name: "create", isThere: false },
  },
  {
    name: "start-removed",
    what: "container: from its image",
    files: toContainer("start-removed", { stopMs: AT_ONCE_MS, removeMs: AT_ONCE_MS }),
    kind: "cold",
    phase: { name: "create", isThere: true },
  },
];
/** Nothing is kept of an instance: it needs no pause to be cold, which the other rows have between two starts. */
const IN_A_ROW = "wasi: the same, one after another";
const DOCKER_RUN = "docker run, to its first answer";

const scenario: Scenario = {
  name: "engines-start",
  question: "How long does a start of the same program take in every engine, phase by phase?",
  run: async (findings, options) => {
    const server = compileServer();
    await using node = await startNebula(Object.assign({}, ...SUBJECTS.map(({ files }) => files(server))));
    const counts = options.isQuick ? { quick: 10, slow: 3 } : { quick: 200, slow: 30 };
    const starts = new Map<string, Start[]>();
    for (let i = 0; i < counts.quick; i++) {
      for (const subject of SUBJECTS) {
        const isSlow = subject.name === "start-removed" || subject.name === "start-stopped";
        if (isSlow && i >= counts.slow) continue;
        options.signal.throwIfAborted();
        const { what } = subject;
        starts.set(what, [...(starts.get(what) ?? []), await startOnce(node, subject)]);
      }
      if (i < counts.slow) await addDockerRun(starts, findings);
      if (i % 10 === 9) talk(`  ${i + 1} rounds`);
    }
    starts.set(IN_A_ROW, await startInARow(node, { count: counts.quick * 10, ...options }));
    report(findings, starts);
    judge(findings, starts);
  },
};

export default scenario;

interface Start {
  /** At the client, from the request to the first byte. */
  readonly firstByteMs: number;
  /** As the node tells it: until the instance was ready. */
  readonly startMs: number;
  readonly phases: readonly Phase[];
}

async function startInARow(
  node: NebulaServer,
  { count, signal }: { count: number; signal: AbortSignal },
): Promise<Start[]> {
  using connection = await openConnection(node.url);
  const starts: Start[] = [];
  for (let i = 0; i < count; i++) {
    signal.throwIfAborted();
    const reply = await askForm(connection, "start-wasi", PATHS.light);
    const phases = readPhases(reply);
    const start = phases.find(({ name }) => name === "start");
    starts.push({ firstByteMs: reply.firstByteMs, startMs: start?.ms ?? Number.NaN, phases });
  }
  return starts;
}

/** Waits until the instance of before is where it is to be started from, and starts it. */
async function startOnce(node: NebulaServer, subject: Subject): Promise<Start> {
  const { name, kind, phase } = subject;
  using connection = await openConnection(node.url);
  for (let pauseMs = 20; pauseMs < 10_000; pauseMs *= 2) {
    await sleep(pauseMs);
    const reply = await askForm(connection, name, PATHS.light);
    const phases = readPhases(reply);
    const start = phases.find((each) => each.name === "start");
    const isThere = phases.some((each) => each.name === phase?.name);
    if (start?.desc !== kind || (phase !== undefined && phase.isThere !== isThere)) continue;
    return { firstByteMs: reply.firstByteMs, startMs: start.ms ?? Number.NaN, phases };
  }
  throw new Error(`Cannot measure "${name}": it does not come to rest as it should`);
}

function readPhases({ head }: Reply): readonly Phase[] {
  return parseServerTiming(/\r\nserver-timing: *([^\r]*)/i.exec(head)?.[1]);
}

/** `docker run` of the image that the node has built, published on a port, until it answers. */
async function addDockerRun(starts: Map<string, Start[]>, findings: Findings): Promise<void> {
  try {
    const image = await findImage();
    const startedAtMs = performance.now();
    const args = ["run", "--rm", "-d", "-p", "127.0.0.1::8080", "--label", "nebula.bench=1", image];
    const id = (await execute("docker", args)).stdout.trim();
    try {
      const port = Number(/:(\d+)\s*$/.exec((await execute("docker", ["port", id, "8080"])).stdout.trim())?.[1]);
      await untilAnswered(port);
      const firstByteMs = performance.now() - startedAtMs;
      starts.set(DOCKER_RUN, [...(starts.get(DOCKER_RUN) ?? []), { firstByteMs, startMs: firstByteMs, phases: [] }]);
    } finally {
      await execute("docker", ["rm", "-f", id]).catch(() => {});
    }
  } catch (thrown) {
    findings.unavailable["docker run"] = thrown instanceof Error ? thrown.message : String(thrown);
  }
}

async function findImage(): Promise<string> {
  const { stdout } = await execute("docker", [
    "images",
    "-q",
    "--no-trunc",
    "--filter",
    "label=nebula.function=start-removed",
  ]);
  const [image] = stdout.trim().split("\n");
  if (image === undefined || image === "") throw new Error("there is no image of start-removed");
  return image;
}

async function untilAnswered(port: number): Promise<void> {
  for (let attempt = 0; attempt < 2_000; attempt++) {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true }).on("error", () => {});
    try {
      await once(socket, "connect");
      socket.write(`GET /${PATHS.light} HTTP/1.1\r\nhost: localhost\r\n\r\n`);
      const [data] = await Promise.race([once(socket, "data"), once(socket, "close").then(() => [])]);
      if (data !== undefined) return;
    } catch {
      // because it does not listen yet
    } finally {
      socket.destroy();
    }
    await sleep(1);
  }
  throw new Error("the container never answered");
}

function report(findings: Findings, starts: ReadonlyMap<string, readonly Start[]>): void {
  const rows = [...starts].map(([what, list]) => {
    const of = { subject: what, unit: "ms", warmUp: "none" };
    const atClient = findings.measure(
      { ...of, quantity: "first byte at the client" },
      list.map((start) => start.firstByteMs),
    );
    const atNode = findings.measure(
      { ...of, quantity: "start" },
      list.map((start) => start.startMs),
    );
    findings.details[`phases of ${what}`] = list.map(({ phases }) => phases);
    return [what, atNode.count, atNode.median, atNode.p99, formatPhases(list), atClient.median, atClient.p99];
  });
  const columns = ["what", "starts", "start ms", "p99", "phases (medians, ms)", "first byte ms", "p99"];
  findings.tables.push({ title: "Starts of functions/fibonacci", columns, rows });
}

/** The medians of the parts of a start: Server-Timing has them behind the phases of every request. */
function formatPhases(list: readonly Start[]): string {
  const parts = list.map(({ phases }) => phases.slice(phases.findIndex(({ name }) => name === "run") + 1));
  const names = [...new Set(parts.flatMap((each) => each.map(({ name }) => name)))];
  return names
    .map((name) => {
      const values = parts.flatMap((each) => each.find((part) => part.name === name)?.ms ?? []);
      return `${name} ${round(toMedian(values))}`;
    })
    .join(", ");
}

function judge(findings: Findings, starts: ReadonlyMap<string, readonly Start[]>): void {
  const read = (what: string, of: (start: Start) => number) => (starts.get(what) ?? []).map(of);
  const compare = (what: string, slow: readonly number[], fast: readonly number[], wanted: number) => {
    const { ratio, low, high } = findRatio(slow, fast);
    findings.reaches.push({
      what,
      wanted: `≥ ${wanted}×`,
      measured: `${round(ratio)}× (95 %: ${round(low)} to ${round(high)})`,
      isReached: low >= wanted,
    });
  };
  const [wasi, , frozen, , removed] = SUBJECTS.map(({ what }) => what);
  const start = ({ startMs }: Start) => startMs;
  const firstByte = ({ firstByteMs }: Start) => firstByteMs;
  for (const [when, what] of [
    ["after a pause", wasi ?? ""],
    ["one after another", IN_A_ROW],
  ] as const) {
    const cold = `cold start, wasi ${when}, against`;
    compare(`${cold} a container, at the node`, read(removed ?? "", start), read(what, start), REACH.coldRatio);
    if (!starts.has(DOCKER_RUN)) continue;
    const fast = read(what, firstByte);
    compare(`${cold} docker run, at the client`, read(DOCKER_RUN, firstByte), fast, REACH.coldRatio);
  }
  compare("start against thaw", read(removed ?? "", start), read(frozen ?? "", start), REACH.thawRatio);
}
