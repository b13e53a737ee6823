/**
 * Memory: what a node holds with 0, 1, 10 and 50 warm functions, host and guests apart, beside the peers with one.
 *
 * PSS, summed over all processes: pages that several processes share are counted once. A fresh node for each size.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { openConnection } from "../connection.ts";
import { type NodeMemory, readNodeMemory, startNebula, toFunctionFiles, waitUntilQuiet } from "../nebula.ts";
import { openPeers, type Server } from "../peers.ts";
import { listTree, readPssBytes } from "../processes.ts";
import { type Findings, type RunOptions, type Scenario, talk } from "../scenario.ts";
import { toMedian } from "../stats.ts";

const SIZES = [0, 1, 10, 50];
const REACH = { size: 1, bytes: 200e6 };
const REQUESTS = 50;
const READINGS = 3;
const PAUSE_MS = 500;
/** Longer than the run, so that what is warm stays warm. */
const KEEP_WARM = "[nebula.scaling]\nidle_ms = 3600000\n";

const scenario: Scenario = {
  name: "memory",
  question: "How much memory does a node hold with 0, 1, 10 and 50 warm functions?",
  run: async (findings, options) => {
    const sizes = options.isQuick ? SIZES.slice(0, 3) : SIZES;
    const rows: (string | number)[][] = [];
    for (const size of sizes) rows.push(await measureNode(findings, { size, ...options }));
    for (const peer of openPeers(findings)) {
      options.signal.throwIfAborted();
      talk(`  ${peer.name}`);
      await using server = await peer.start();
      await warm(server, ["/"]);
      const bytes = await readMiddle(() => listTree(server.pid).reduce((sum, pid) => sum + readPssBytes(pid), 0));
      keep(findings, { subject: peer.name, bytes, what: "one warm function" });
      rows.push([peer.name, 1, toMb(bytes), toMb(bytes), "", "", "", ""]);
    }
    const columns = ["server", "warm", "all MB", "host MB", "guests MB", "guests", "of them blank", "MB per guest"];
    findings.tables.push({
      title: `PSS after ${REQUESTS} requests to each function (1 MB = 10⁶ bytes)`,
      columns,
      rows,
    });
  },
};

export default scenario;

async function measureNode(findings: Findings, { size, signal }: RunOptions & { size: number }) {
  signal.throwIfAborted();
  talk(`  nebula with ${size} warm functions`);
  const names = Array.from({ length: Math.max(1, size) }, (_, at) => `warm-${at}`);
  await using node = await startNebula(Object.assign({}, ...names.map((name) => toFunctionFiles(name, KEEP_WARM))));
  await warm(
    node,
    names.slice(0, size).map((name) => `/fn/${name}/`),
  );
  await waitUntilQuiet(node);
  const readings: NodeMemory[] = [];
  for (let i = 0; i < READINGS; i++) {
    await sleep(PAUSE_MS);
    readings.push(readNodeMemory(node));
  }
  const middle = (read: (memory: NodeMemory) => number) => toMedian(readings.map(read));
  const all = middle(({ hostBytes, guestsBytes, toolsBytes }) => hostBytes + guestsBytes + toolsBytes);
  const guests = middle((memory) => memory.guests);
  const guestsBytes = middle((memory) => memory.guestsBytes);
  keep(findings, { subject: "nebula", bytes: all, what: `${size} warm functions, all processes` });
  keep(findings, {
    subject: "nebula",
    bytes: middle((memory) => memory.hostBytes),
    what: `${size} warm functions, host`,
  });
  if (size === REACH.size) {
    findings.reaches.push({
      what: "a serving node with one warm function, PSS in all",
      wanted: `≤ ${toMb(REACH.bytes)} MB`,
      measured: `${toMb(all)} MB`,
      isReached: all <= REACH.bytes,
    });
  }
  const perGuest = toMb(guestsBytes / guests);
  const parts = [toMb(middle((memory) => memory.hostBytes)), toMb(guestsBytes), guests, guests - size, perGuest];
  return ["nebula", size, toMb(all), ...parts];
}

async function warm(server: Server, paths: readonly string[]): Promise<void> {
  using connection = await openConnection(server.url);
  for (const path of paths) {
    for (let i = 0; i < REQUESTS; i++) {
      const { status } = await connection.get(path);
      if (status !== 200) throw new Error(`Cannot warm "${path}" of ${server.name}: it answers ${status}`);
    }
  }
}

async function readMiddle(read: () => number): Promise<number> {
  const readings: number[] = [];
  for (let i = 0; i < READINGS; i++) {
    await sleep(PAUSE_MS);
    readings.push(read());
  }
  return toMedian(readings);
}

function keep(findings: Findings, { subject, bytes, what }: { subject: string; bytes: number; what: string }): void {
  const warmUp = `${REQUESTS} requests to each function`;
  findings.measure({ subject, quantity: `PSS with ${what}`, unit: "bytes", warmUp }, [bytes]);
}

function toMb(bytes: number): number {
  return Number((bytes / 1e6).toFixed(1));
}
