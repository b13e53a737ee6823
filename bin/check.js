/**
 * `npm run check`: types, lint, rules, unit and contract tests. Runs all of them whatever fails, and says at the end
 * what did. Exit code 0 when nothing failed, 1 when something did, 130 when it was interrupted.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const TSC = "node_modules/typescript/bin/tsc";
const BIOME = "node_modules/@biomejs/biome/bin/biome";
const VITEST = "node_modules/vitest/vitest.mjs";

const STEPS = [
  ["types of src, test and bench", TSC, "-p", "."],
  ["types of routes", TSC, "-p", "routes"],
  ["types of functions", TSC, "-p", "functions"],
  ["lint and format", BIOME, "check", "--error-on-warnings"],
  ["rules", VITEST, "run", "test/rules"],
  ["unit tests", VITEST, "run", "test/unit"],
  ["contract tests", VITEST, "run", "test/contract"],
];

const cwd = fileURLToPath(new URL("..", import.meta.url));
const failed = [];
for (const [name, ...command] of STEPS) {
  console.log(`\n── ${name}`);
  const startedAtMs = performance.now();
  const [code, signal] = await once(spawn(process.execPath, command, { cwd, stdio: "inherit" }), "close");
  if (signal !== null) process.exit(130);
  if (code !== 0) failed.push(name);
  console.log(`${code === 0 ? "ok" : "failed"} after ${((performance.now() - startedAtMs) / 1000).toFixed(1)} s`);
}
console.log(failed.length === 0 ? "\nchecked: all is well" : `\nfailed: ${failed.join(", ")}`);
process.exitCode = failed.length === 0 ? 0 : 1;
