/**
 * Runs WASI tests in the layout of the public suite: every `.wasm` below a folder, with a `.json` beside it.
 *
 *     npm run conformance -- <folder> [part of a path]
 *
 * The tests are others' and are not kept here (https://github.com/WebAssembly/wasi-testsuite, branch
 * prod/testsuite-base, has them built). Each runs in a process of its own, for `NEBULA_TEST_MS` at the most. Prints
 * what fails and what is skipped, and ends with 1 when anything fails.
 */

import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { runCase } from "./wasi-driver.ts";
import { findSuites, type Suite, type SuiteTest } from "./wasi-suites.ts";

const TIMEOUT_MS = Number(process.env.NEBULA_TEST_MS ?? 20_000);

interface Count {
  passed: number;
  failed: number;
  skipped: number;
}

const [, , folder, filter = ""] = process.argv;
if (folder === undefined) {
  console.error("Cannot run: the first argument must be a folder with tests, such as a checkout of wasi-testsuite");
  process.exit(2);
}
const suites = await findSuites(resolve(folder), filter);
const total: Count = { passed: 0, failed: 0, skipped: 0 };
const reasons = new Map<string, number>();
for (const suite of suites) {
  const count = await runSuite(suite);
  console.log(`${suite.name}: ${formatCount(count)}`);
  for (const key of ["passed", "failed", "skipped"] as const) total[key] += count[key];
}
if (total.passed + total.failed === 0 && total.skipped === 0) console.log("There are no tests here.");
for (const [reason, times] of reasons) console.log(`skipped ${times}: ${reason}`);
console.log(formatCount(total));
process.exitCode = total.failed > 0 || total.passed + total.skipped === 0 ? 1 : 0;

async function runSuite({ tests }: Suite): Promise<Count> {
  const count: Count = { passed: 0, failed: 0, skipped: 0 };
  const left = tests.values();
  const work = async () => {
    for (const test of left) count[await runTest(test)] += 1;
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return count;
}

async function runTest({ name, file, case: test, skipped, problem }: SuiteTest): Promise<keyof Count> {
  if (skipped !== undefined) {
    reasons.set(skipped, (reasons.get(skipped) ?? 0) + 1);
    console.log(`skipped ${name}: ${skipped}`);
    return "skipped";
  }
  if (test !== undefined && test.unknown.length > 0)
    console.log(`note ${name}: unknown fields ${test.unknown.join(", ")}`);
  const failures =
    test === undefined ? [`its description: ${problem}`] : await runCase(file, test, { timeoutMs: TIMEOUT_MS });
  for (const failure of failures) console.log(`FAILED ${name}: ${failure}`);
  return failures.length === 0 ? "passed" : "failed";
}

function formatCount({ passed, failed, skipped }: Count): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}
