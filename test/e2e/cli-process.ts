/**
 * `bin/nebula` as a real process on a temporary folder.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { childrenOf, isAlive } from "../support/processes.ts";

const BIN = fileURLToPath(new URL("../../bin/nebula", import.meta.url));
const READY = /^ready data=(\S+) control=(\S+)$/m;
/** Far beyond what anything here takes, also on a machine under load. */
const PATIENCE_MS = 20_000;
const LOOK_AGAIN_MS = 15;

export interface TempProject {
  readonly dir: string;
  write(name: string, content: string): Promise<void>;
  remove(): Promise<void>;
}

/** A folder with these files, by relative name. */
export async function createTempProject(files: Readonly<Record<string, string>>): Promise<TempProject> {
  const dir = await realpath(await mkdtemp(join(tmpdir(), "nebula-e2e-")));
  const write = async (name: string, content: string) => {
    await mkdir(dirname(join(dir, name)), { recursive: true });
    await writeFile(join(dir, name), content);
  };
  for (const [name, content] of Object.entries(files)) await write(name, content);
  return { dir, write, remove: () => rm(dir, { recursive: true, force: true }) };
}

export interface CliProcess {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly out: { stdout: string; stderr: string };
  readonly exit: Promise<{ code: number | null; signal: string | null }>;
  /** Where the functions are, once it is ready. */
  ready(): Promise<{ dataUrl: string; controlUrl: string }>;
}

export interface CliProcessOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
}

/** Starts `nebula` with free ports where it wants some. */
export function startCli(argv: readonly string[], { cwd, env = {}, stdin = "" }: CliProcessOptions): CliProcess {
  const { PATH = "", HOME = "" } = process.env;
  const ports = { NEBULA_DATA_PORT: "0", NEBULA_CONTROL_PORT: "0" };
  const child = spawn("sh", [BIN, ...argv], { cwd, env: { PATH, HOME, TMPDIR: cwd, ...ports, ...env } });
  const out = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk) => {
    out.stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    out.stderr += chunk;
  });
  child.stdin.on("error", () => {});
  child.stdin.end(stdin);
  const exit = once(child, "close").then(([code, signal]) => ({ code, signal }));
  const ready = async () => {
    await until(
      () => READY.test(out.stdout) || child.exitCode !== null,
      () => `not ready: ${JSON.stringify(out)}`,
    );
    const [, dataUrl, controlUrl] = READY.exec(out.stdout) ?? [];
    if (dataUrl === undefined || controlUrl === undefined) throw new Error(`ended before it was ready: ${out.stderr}`);
    return { dataUrl, controlUrl };
  };
  return { child, pid: child.pid ?? 0, out, exit, ready };
}

/** Runs `nebula` to its end. */
export async function runProcess(argv: readonly string[], options: CliProcessOptions) {
  const cli = startCli(argv, options);
  const { code } = await cli.exit;
  return { code, ...cli.out };
}

/** Kills it, and waits until nothing of it is left. */
export async function killCli({ pid, child, exit }: CliProcess): Promise<void> {
  const family = familyOf(pid);
  child.kill("SIGKILL");
  await exit;
  await untilGone(family);
}

/** Everything below a process, itself too. */
export function familyOf(pid: number): number[] {
  return [pid, ...childrenOf(pid).flatMap(familyOf)];
}

export async function untilGone(pids: readonly number[], patienceMs = PATIENCE_MS): Promise<void> {
  await until(
    () => !pids.some(isAlive),
    () => `still there: ${pids.filter(isAlive).join(", ")}`,
    patienceMs,
  );
}

/** Looks until it is so. */
export async function until(
  isSo: () => boolean | Promise<boolean>,
  tell: () => string,
  patienceMs = PATIENCE_MS,
): Promise<void> {
  const endMs = performance.now() + patienceMs;
  while (!(await isSo())) {
    if (performance.now() > endMs) throw new Error(tell());
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
}
