/**
 * `npm run bench`: lists the scenarios, or runs one and prints what it found.
 *
 *     npm run bench -- <scenario> [--quick] [program.wasm …]
 *
 * The table goes to standard output, everything with machine and commit to `bench/results/`. A reach that is missed
 * does not fail the run; only a scenario that cannot be run does.
 */

import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { findCommit, inspectMachine } from "./machine.ts";
import { Findings, type RunOptions, type Scenario, talk } from "./scenario.ts";
import { toText } from "./table.ts";

const SCENARIOS_DIR = join(import.meta.dirname, "scenarios");
const RESULTS_DIR = join(import.meta.dirname, "results");
const EXIT = { done: 0, failed: 1, usage: 2, interrupted: 130 };

function listNames(): string[] {
  return readdirSync(SCENARIOS_DIR)
    .filter((file) => file.endsWith(".ts"))
    .map((file) => basename(file, ".ts"))
    .sort();
}

async function load(name: string): Promise<Scenario> {
  const module: { default: Scenario } = await import(join(SCENARIOS_DIR, `${name}.ts`));
  return module.default;
}

async function list(): Promise<void> {
  const names = listNames();
  const width = Math.max(...names.map((name) => name.length));
  console.log("npm run bench -- <scenario> [--quick] [program.wasm …]\n");
  for (const name of names) console.log(`  ${name.padEnd(width)}  ${(await load(name)).question}`);
}

async function run(name: string, { isQuick, programs }: Pick<RunOptions, "isQuick" | "programs">): Promise<number> {
  const scenario = await load(name);
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort(new Error("interrupted")));
  process.once("SIGTERM", () => stop.abort(new Error("ended")));
  const findings = new Findings();
  findings.versions.node = process.version;
  const date = new Date().toISOString();
  const about = { scenario: name, question: scenario.question, date, isQuick, command: `npm run bench -- ${name}` };
  const setting = { machine: inspectMachine(), commit: findCommit(import.meta.dirname) };
  talk(`${name}: ${scenario.question}`);
  try {
    await scenario.run(findings, { isQuick, programs, signal: stop.signal });
  } catch (thrown) {
    if (stop.signal.aborted) return EXIT.interrupted;
    // What was measured before is still worth reading.
    console.log(toText(findings));
    console.error(thrown);
    return EXIT.failed;
  }
  const { machine, commit } = setting;
  const at = commit ? `commit ${commit.revision.slice(0, 12)}${commit.isDirty ? " + changes" : ""}` : "no commit";
  console.log(`${name}: ${scenario.question}`);
  console.log(`${machine.cpu}, ${machine.cores} cores, load average ${machine.loadAverage.toFixed(1)} before; ${at}`);
  console.log(
    `${Object.entries(findings.versions)
      .map(([who, version]) => `${who} ${version}`)
      .join(" · ")}\n`,
  );
  console.log(toText(findings));
  mkdirSync(RESULTS_DIR, { recursive: true });
  const file = join(RESULTS_DIR, `${name}-${date.replaceAll(":", "-")}.json`);
  writeFileSync(file, `${JSON.stringify({ ...about, ...setting, ...findings }, undefined, 1)}\n`);
  talk(`all samples: ${file}`);
  return EXIT.done;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { quick: { type: "boolean", default: false } },
    allowPositionals: true,
  });
  const [name, ...programs] = positionals;
  if (name === undefined) {
    await list();
    return EXIT.done;
  }
  if (!listNames().includes(name)) {
    talk(`error: Cannot run "${name}": the scenarios are ${listNames().join(", ")}`);
    return EXIT.usage;
  }
  const missing = programs.find((path) => !existsSync(path));
  if (missing !== undefined) {
    talk(`error: Cannot measure "${missing}": there is no such file`);
    return EXIT.usage;
  }
  return await run(name, { isQuick: values.quick, programs });
}

process.exitCode = await main();
