/**
 * Which Wasm programs a run measures: one for each number that is wanted, and what the command line names besides.
 */

import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Findings, type RunOptions, talk } from "./scenario.ts";
import {
  assembleLargeSnapshot,
  COMPONENT,
  readFunction,
  readProgram,
  snapshot,
  type WasmProgram,
} from "./wasm-programs.ts";

const execute = promisify(execFile);

/** Wanted of one invocation with a fresh instance, in microseconds. */
export interface Wanted {
  readonly medianUs?: number;
  readonly meanUs?: number;
  readonly p99Us?: number;
}

/** A program, what is wanted of it, and the phrase that the numbers are read with. */
export interface Chosen {
  readonly program: WasmProgram;
  readonly title: string;
  readonly wanted: Wanted;
}

const COMMAND = join(import.meta.dirname, "..", "bin", "nebula");
const BUILD_MS = 120_000;
const JS_TITLE = "JavaScript in Wasm";

/** Those of DESIGN.md and of the issue. One that cannot be made here is named in the findings, with the reason. */
export async function choosePrograms(findings: Findings, { programs }: RunOptions): Promise<Chosen[]> {
  const chosen: Chosen[] = [
    {
      program: readFunction("hello-rust"),
      title: "hello in Rust",
      wanted: { medianUs: 30, meanUs: 50, p99Us: 150 },
    },
    { program: COMPONENT.read(), title: "component in C", wanted: { medianUs: 500 } },
  ];
  await attempt(findings, "programs with a snapshot", async () => {
    const wanted = { medianUs: 50, p99Us: 300 };
    const large = await snapshot(assembleLargeSnapshot());
    const index = await snapshot(readWordIndex());
    chosen.push(
      { program: large, title: "1.6 MB snapshot", wanted },
      { program: index, title: "word-index, 0.7 MB snapshot", wanted: {} },
    );
  });
  await attempt(findings, JS_TITLE, async () => {
    chosen.push({ program: await buildJavaScript(), title: JS_TITLE, wanted: { medianUs: 500 } });
  });
  for (const path of programs) chosen.push({ program: readProgram(path), title: path, wanted: {} });
  return chosen;
}

/** The word index as it is committed: without a snapshot it makes its index at each request. */
export function readWordIndex(): WasmProgram {
  return readFunction("word-index", [{ method: "GET", path: "/?q=science" }]);
}

/** What Nebula builds of the hello that its isolate engine runs too. Throws when it cannot. */
export async function buildJavaScript(): Promise<WasmProgram> {
  talk("  building hello.js for the wasi engine");
  const dir = mkdtempSync(join(tmpdir(), "nebula-bench-build-"));
  try {
    const settings = '\n[nebula]\nengines = ["wasi"]\n';
    const config = `name = "js"\nmain = "hello.js"\ncompatibility_date = "2026-11-01"\n${settings}`;
    writeFileSync(join(dir, "wrangler.toml"), config);
    cpSync(join(import.meta.dirname, "fixtures/hello.js"), join(dir, "hello.js"));
    await execute("sh", [COMMAND, "build", dir, "--out", join(dir, "out")], { cwd: dir, timeout: BUILD_MS });
    return { ...readProgram(join(dir, "out/js.wasm")), name: "js" };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function attempt(findings: Findings, what: string, make: () => Promise<void>): Promise<void> {
  try {
    await make();
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    findings.unavailable[what] = message.split("\n", 1)[0] ?? "";
  }
}
