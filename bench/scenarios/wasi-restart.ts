/**
 * The first call of a function after a restart of the node, with the machine code that was kept and without it.
 *
 * Every sample is a real restart: a new host, new guest processes, an empty cache of everything but the disk's. The
 * node has come to rest before it is asked, so that what is measured is the loading of one function and its first run.
 */

import { mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openConnection } from "../connection.ts";
import { restartNebula, waitUntilQuiet } from "../nebula.ts";
import { type Findings, type RunOptions, type Scenario, talk } from "../scenario.ts";
import { toMedian } from "../stats.ts";
import { deployWasm, lendAddon } from "../wasm-node.ts";
import { generateLarge } from "../wasm-programs.ts";
import { type Chosen, choosePrograms } from "../wasm-set.ts";

/** Wanted of JavaScript in Wasm: so many times faster with kept code. */
const REACH = { title: "JavaScript in Wasm", ratio: 3 };

const scenario: Scenario = {
  name: "wasi-restart",
  question: "How long does the first call take after a restart of the node, with and without kept machine code?",
  run: async (findings, options) => {
    const large = generateLarge(5e6);
    const chosen = [...(await choosePrograms(findings, options)), { program: large, title: large.name, wanted: {} }];
    const stateDir = mkdtempSync(join(tmpdir(), "nebula-bench-state-"));
    try {
      lendAddon(stateDir);
      await deployAll(stateDir, chosen);
      const count = options.isQuick ? 2 : 5;
      const samples = chosen.map(() => ({ kept: [] as number[], without: [] as number[] }));
      for (let round = 0; round < count; round++) {
        talk(`  restart ${2 * round + 1} and ${2 * round + 2} of ${2 * count}`);
        const kept = await restart(stateDir, { chosen, ...options });
        const without = await restart(stateDir, { chosen, isWithoutCode: true, ...options });
        for (const [at, sample] of samples.entries()) {
          sample.kept.push(kept[at] ?? Number.NaN);
          sample.without.push(without[at] ?? Number.NaN);
        }
      }
      report(findings, { chosen, samples });
    } finally {
      rmSync(stateDir, { recursive: true, force: true });
    }
  },
};

export default scenario;

function toName(at: number): string {
  return `program-${at}`;
}

async function deployAll(stateDir: string, chosen: readonly Chosen[]): Promise<void> {
  await using node = await restartNebula(stateDir);
  for (const [at, { program, title }] of chosen.entries()) {
    talk(`  deploying ${title}`);
    await deployWasm(node, program, toName(at));
  }
}

/** Gives the milliseconds to the first byte of the first call of each. */
async function restart(
  stateDir: string,
  { chosen, isWithoutCode = false, signal }: RunOptions & { chosen: readonly Chosen[]; isWithoutCode?: boolean },
): Promise<number[]> {
  signal.throwIfAborted();
  // Nothing is kept again before the next deployment: what is taken away is put back.
  using _code = isWithoutCode ? hideCode(stateDir) : undefined;
  await using node = await restartNebula(stateDir);
  await waitUntilQuiet(node);
  using connection = await openConnection(node.url);
  const times: number[] = [];
  for (const [at, { program, title }] of chosen.entries()) {
    const path = program.proof[0]?.path ?? "/";
    const { status, firstByteMs } = await connection.get(`/fn/${toName(at)}${path}`);
    if (status !== 200) throw new Error(`Cannot measure "${title}": it answers ${status}`);
    times.push(firstByteMs);
  }
  return times;
}

function hideCode(stateDir: string): Disposable {
  const [dir, hidden] = [join(stateDir, "code"), join(stateDir, "code-hidden")];
  renameSync(dir, hidden);
  return {
    [Symbol.dispose]: () => {
      rmSync(dir, { recursive: true, force: true });
      renameSync(hidden, dir);
    },
  };
}

function report(
  findings: Findings,
  {
    chosen,
    samples,
  }: { chosen: readonly Chosen[]; samples: readonly { kept: readonly number[]; without: readonly number[] }[] },
): void {
  const rows = chosen.map(({ title }, at) => {
    const { kept = [], without = [] } = samples[at] ?? {};
    const of = { subject: title, unit: "ms", warmUp: "none: each is the first call after a restart" };
    findings.measure({ ...of, quantity: "first call with kept code, to first byte" }, kept);
    findings.measure({ ...of, quantity: "first call without, to first byte" }, without);
    const ratio = toMedian(without) / toMedian(kept);
    if (title === REACH.title) {
      findings.reaches.push({
        what: `${title}: first call after a restart, with kept code against without`,
        wanted: `≥ ${REACH.ratio}× faster`,
        measured: `${ratio.toFixed(1)}×`,
        isReached: ratio >= REACH.ratio,
      });
    }
    return [title, toMedian(kept), toMedian(without), ratio];
  });
  const columns = ["program", "with kept code ms", "without ms", "times"];
  findings.tables.push({
    title: `First call after a restart of the node (medians of ${samples[0]?.kept.length})`,
    columns,
    rows,
  });
}
