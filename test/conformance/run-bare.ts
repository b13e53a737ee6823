/** Runs one web platform test in bare Node: a process of its own, no flags, the same module text. */

import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseRun, type WptRun } from "./wpt-run.ts";

const ENTRY = `
process.on("uncaughtException", () => {});
globalThis.wpt = JSON.parse(process.argv[2]);
let result;
try {
  await import(process.argv[3]);
  result = await globalThis.wptResult;
} catch (error) {
  result = { status: 1, message: String(error), tests: [] };
}
process.stdout.write(JSON.stringify(result), () => process.exit());
`;

export async function runBare(
  text: string,
  { dir, url, timeoutMs }: { dir: string; url: string; timeoutMs: number },
): Promise<WptRun> {
  const [entry, test] = [join(dir, "entry.mjs"), join(dir, "test.mjs")];
  await writeFile(entry, ENTRY);
  await writeFile(test, text);
  const args = ["--no-warnings", entry, JSON.stringify({ url, timeoutMs }), test];
  const output = await new Promise<string>((resolve) => {
    const options = { timeout: timeoutMs + 5_000, killSignal: "SIGKILL" as const, maxBuffer: 256 * 2 ** 20 };
    execFile(process.execPath, args, options, (_error, stdout) => resolve(stdout));
  });
  // Tests may write to the console; the result is the last line.
  return parseRun(output.slice(output.lastIndexOf("\n") + 1));
}
