/**
 * Strategies: a function with several engines under a mixed load of light and heavy requests, beside each engine alone.
 *
 * A strategy is to be as good as the best single engine, whichever that is, at the middle and at the end of the
 * distribution. Rounds go from one function to the next.
 */

import { compileServer, type FormOptions, toFormFiles } from "../engine-set.ts";
import { type MixedAnswer, runMixedLoad } from "../mixed-load.ts";
import { startNebula } from "../nebula.ts";
import { type Findings, type Scenario, talk } from "../scenario.ts";
import { findQuantile, round, toMedian } from "../stats.ts";

const REACH = 1.1;
const CLIENTS = 2;
const HEAVY_SHARE = 0.1;
/** Longer than the run, so that what is warm stays warm. */
const KEEP_WARM = "[nebula.scaling]\nidle_ms = 3600000\n";

const SINGLE: Readonly<Record<string, FormOptions>> = {
  wasi: { engines: ["wasi"], more: KEEP_WARM },
  isolate: { engines: ["isolate"], more: KEEP_WARM },
  container: { engines: ["container"], more: KEEP_WARM },
};
const CHAINS: Readonly<Record<string, FormOptions>> = {
  "cold-race": { engines: ["wasi", "container"], nebula: 'strategy = "cold-race"', more: KEEP_WARM },
  fastest: {
    engines: ["wasi", "isolate", "container"],
    nebula: 'strategy = "fastest"\nallow_weaker = ["isolate"]',
    more: KEEP_WARM,
  },
};

const scenario: Scenario = {
  name: "engines-mixed",
  question: "Is a strategy over several engines as good as the best of them under a mixed load?",
  run: async (findings, options) => {
    const server = compileServer();
    const names = [...Object.entries(SINGLE), ...Object.entries(CHAINS)];
    await using node = await startNebula(
      Object.assign({}, ...names.map(([name, form]) => toFormFiles(toName(name), server, form))),
    );
    const plan = options.isQuick
      ? { warmUp: 300, requests: 300, rounds: 2 }
      : { warmUp: 2_000, requests: 3_000, rounds: 5 };
    const { signal } = options;
    const ask = (name: string, requests: number, seed: number) =>
      runMixedLoad(node.url, toName(name), { clients: CLIENTS, requests, heavyShare: HEAVY_SHARE, seed, signal });
    const rounds = new Map<string, MixedAnswer[][]>();
    for (const [name] of names) await ask(name, plan.warmUp, 7);
    for (let round = 0; round < plan.rounds; round++) {
      const turn = round % names.length;
      for (const [name] of [...names.slice(turn), ...names.slice(0, turn)]) {
        const answers = await ask(name, plan.requests, round + 1);
        rounds.set(name, [...(rounds.get(name) ?? []), answers]);
        talk(`  round ${round + 1}: ${name} ${formatEngines(answers)}`);
      }
    }
    report(findings, rounds);
    findings.note(`${CLIENTS} clients, ${HEAVY_SHARE * 100} % of the requests are heavy, the order is seeded`);
  },
};

export default scenario;

function toName(name: string): string {
  return `mixed-${name}`;
}

interface Middle {
  readonly name: string;
  readonly p50: number;
  readonly p99: number;
}

function report(findings: Findings, rounds: ReadonlyMap<string, readonly MixedAnswer[][]>): void {
  const middles: Middle[] = [];
  const rows = [...rounds].map(([name, list]) => {
    const at = (share: number) => toMedian(list.map((answers) => quantileOf(answers, share)));
    const middle = { name, p50: at(0.5), p99: at(0.99) };
    middles.push(middle);
    const all = list.flat();
    for (const isHeavy of [false, true]) {
      const samples = all.filter((answer) => answer.isHeavy === isHeavy).map(({ ms }) => ms);
      const quantity = `${isHeavy ? "heavy" : "light"} requests of a mixed load`;
      findings.measure({ subject: name, quantity, unit: "ms", warmUp: "the same load" }, samples);
    }
    const heavy = quantileOf(
      all.filter((answer) => answer.isHeavy),
      0.5,
    );
    return [name, all.length, round(middle.p50), round(middle.p99), round(heavy), formatEngines(all)];
  });
  findings.tables.push({
    title: "Mixed load (medians of the rounds)",
    columns: ["function", "requests", "p50 ms", "p99 ms", "heavy, median ms", "who answered"],
    rows,
  });
  for (const name of Object.keys(CHAINS)) judge(findings, name, middles);
}

function judge(findings: Findings, name: string, middles: readonly Middle[]): void {
  const singles = middles.filter((middle) => middle.name in SINGLE);
  const chain = middles.find((middle) => middle.name === name);
  for (const quantile of ["p50", "p99"] as const) {
    const best = Math.min(...singles.map((single) => single[quantile]));
    const ratio = (chain?.[quantile] ?? Number.NaN) / best;
    findings.reaches.push({
      what: `${name} against the best single engine at ${quantile}`,
      wanted: `≤ ${REACH}×`,
      measured: `${round(ratio)}×`,
      isReached: ratio <= REACH,
    });
  }
}

function quantileOf(answers: readonly MixedAnswer[], share: number): number {
  return findQuantile(Float64Array.from(answers.map(({ ms }) => ms)).sort(), share);
}

function formatEngines(answers: readonly MixedAnswer[]): string {
  const engines = [...new Set(answers.map(({ engine }) => engine))].sort();
  return engines
    .map((engine) => {
      const of = answers.filter((answer) => answer.engine === engine);
      return `${engine} ${of.length} (${of.filter(({ isHeavy }) => isHeavy).length} heavy)`;
    })
    .join(", ");
}
