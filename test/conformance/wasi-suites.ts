/**
 * Finds WASI tests in a folder: every `.wasm`, with its `.json` beside it, grouped by the folder that they are in.
 *
 * @see https://github.com/WebAssembly/wasi-testsuite/blob/main/doc/specification.md
 */

import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { decodeModule } from "../../src/wasm/module.ts";
import { parseCase, type WasiCase } from "./wasi-case.ts";

/** The tests of one folder. */
export interface Suite {
  readonly name: string;
  readonly tests: readonly SuiteTest[];
}

/** One test; `problem` says why its description cannot be followed. */
export interface SuiteTest {
  /** Relative to the folder that was looked through, without ".wasm". */
  readonly name: string;
  readonly file: string;
  readonly case: WasiCase | undefined;
  readonly problem?: string;
  /** Why it is not run. */
  readonly skipped?: string;
}

/** Everything below `root`; nothing is left out. */
export async function findSuites(root: string, filter = ""): Promise<Suite[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const byDir = new Map<string, string[]>();
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || !entry.name.endsWith(".wasm") || !relative(root, path).includes(filter)) continue;
    byDir.set(entry.parentPath, [...(byDir.get(entry.parentPath) ?? []), path]);
  }
  const dirs = [...byDir].sort(([a], [b]) => (a < b ? -1 : 1));
  return await Promise.all(dirs.map(([dir, files]) => readSuite(root, { dir, files: files.sort() })));
}

async function readSuite(root: string, { dir, files }: { dir: string; files: readonly string[] }): Promise<Suite> {
  const manifest = await readJson(join(dir, "manifest.json"));
  const named = typeof manifest === "object" && manifest !== null && "name" in manifest ? manifest.name : undefined;
  const name = typeof named === "string" ? named : relative(root, dir) || ".";
  return { name, tests: await Promise.all(files.map((file) => readTest(root, { dir, file }))) };
}

async function readTest(root: string, { dir, file }: { dir: string; file: string }): Promise<SuiteTest> {
  const bytes = await readFile(file);
  const name = relative(root, file).replace(/\.wasm$/, "");
  try {
    const parsed = parseCase((await readJson(file.replace(/\.wasm$/, ".json"))) ?? {}, dir);
    const skipped = findSkip(bytes) ?? parsed.skipped;
    return { name, file, case: parsed, ...(skipped !== undefined && { skipped }) };
  } catch (thrown) {
    return { name, file, case: undefined, problem: thrown instanceof Error ? thrown.message : String(thrown) };
  }
}

/** What the project does not offer, as a program shows it: by the interfaces that it imports. */
function findSkip(bytes: Buffer): string | undefined {
  const isComponent = bytes.length > 8 && bytes[6] === 1;
  if (isComponent && /wasi:[a-z-]+\/[a-z-]+@0\.3\./.test(bytes.toString("latin1"))) return "it needs WASI 0.3";
  if (!isComponent && importsThreads(bytes)) return "it needs threads";
  return undefined;
}

function importsThreads(bytes: Buffer): boolean {
  try {
    const { imports } = decodeModule(bytes);
    return imports.some(
      ({ name, type }) => name === "thread-spawn" || (type.kind === "memory" && type.memory.isShared),
    );
  } catch {
    // because what cannot be read is run all the same, and fails with its reason
    return false;
  }
}

async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  return text === undefined ? undefined : JSON.parse(text);
}
