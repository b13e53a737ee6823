/**
 * One invocation inside the guest process, with a fresh instance each: nothing of HTTP and nothing of the host.
 *
 * The process is the one that a node starts. It asks the program itself, one request after the other, and reads the
 * whole answer; so what is wanted "to first byte" is measured to the last.
 */

import { type Findings, type RunOptions, type Scenario, talk } from "../scenario.ts";
import { toMedian } from "../stats.ts";
import { startWasmGuest } from "../wasm-guest.ts";
import { type Chosen, choosePrograms, type Wanted } from "../wasm-set.ts";

interface Times {
  readonly medianUs: number;
  readonly meanUs: number;
  readonly p99Us: number;
}

const scenario: Scenario = {
  name: "wasi-guest",
  question: "How long does one invocation with a fresh instance take inside the guest process?",
  run: async (findings, options) => {
    const rows: (string | number)[][] = [];
    for (const chosen of await choosePrograms(findings, options)) {
      options.signal.throwIfAborted();
      talk(`  ${chosen.title}`);
      const { firstMs, medianUs, meanUs, p99Us } = await measure(findings, { chosen, options });
      rows.push([chosen.title, chosen.program.bytes.byteLength / 1e6, firstMs * 1_000, medianUs, meanUs, p99Us]);
    }
    const columns = ["program", "MB", "first µs", "median µs", "mean µs", "p99 µs"];
    findings.tables.push({ title: "Invocation inside the guest process (medians of the rounds)", columns, rows });
  },
};

export default scenario;

const WARM_UP_MS = 1_000;

function toPlan({ isQuick }: RunOptions): { count: number; limitMs: number } {
  return isQuick ? { count: 1, limitMs: 400 } : { count: 3, limitMs: 1_000 };
}

async function measure(
  findings: Findings,
  { chosen, options }: { chosen: Chosen; options: RunOptions },
): Promise<Times & { firstMs: number }> {
  const { program, title, wanted } = chosen;
  const { count, limitMs } = toPlan(options);
  await using guest = await startWasmGuest();
  await guest.load(program);
  const { firstMs } = await guest.prove(program, { rounds: 1e6, limitMs: WARM_UP_MS });
  const rounds: Times[] = [];
  for (let i = 0; i < count; i++) {
    const { medianMs, meanMs, p99Ms } = await guest.prove(program, { rounds: 1e6, limitMs });
    rounds.push({ medianUs: medianMs * 1_000, meanUs: meanMs * 1_000, p99Us: p99Ms * 1_000 });
  }
  const middle = (key: keyof Times) => {
    const of = { subject: title, quantity: key.slice(0, -2), unit: "µs", warmUp: `${WARM_UP_MS} ms of the same` };
    const samples = rounds.map((round) => round[key]);
    findings.measure(of, samples);
    return toMedian(samples);
  };
  const times = { medianUs: middle("medianUs"), meanUs: middle("meanUs"), p99Us: middle("p99Us") };
  judge(findings, { title, wanted, times });
  return { ...times, firstMs };
}

function judge(findings: Findings, { title, wanted, times }: { title: string; wanted: Wanted; times: Times }): void {
  for (const key of ["medianUs", "meanUs", "p99Us"] as const) {
    const most = wanted[key];
    if (most === undefined) continue;
    findings.reaches.push({
      what: `${title}: fresh instance and answer, ${key.slice(0, -2)}`,
      wanted: `≤ ${most} µs`,
      measured: `${times[key].toFixed(1)} µs`,
      isReached: times[key] <= most,
    });
  }
}
