/**
 * Processes under measurement: started, waited for, looked at through /proc, ended. Linux only, as Nebula is.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

const READY_MS = 60_000;
const END_MS = 10_000;
/** What is kept of a process's output, to say why it did not start. */
const OUTPUT_CHARS = 4_000;
/** Clock ticks of /proc/<pid>/stat: USER_HZ is 100 on every Linux that Node runs on. */
const TICK_MS = 10;

export interface StartOptions {
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The first output that matches says that the process is ready. */
  readonly ready: RegExp;
}

export interface Started extends AsyncDisposable {
  readonly pid: number;
  readonly ready: RegExpExecArray;
}

/** Starts a program and waits for the words that say it is ready. */
export async function startProcess(file: string, options: StartOptions): Promise<Started> {
  const child = spawn(file, options.args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = once(child, "exit");
  exited.catch(() => {});
  try {
    const ready = await waitForReady(child, options.ready);
    const { pid = 0 } = child;
    return { pid, ready, [Symbol.asyncDispose]: () => end(child) };
  } catch (thrown) {
    await end(child);
    throw thrown;
  }
}

async function waitForReady(child: ChildProcess, pattern: RegExp): Promise<RegExpExecArray> {
  const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
  let output = "";
  const onData = (chunk: Buffer) => {
    // Read for ever, so that no program waits for us; kept only until it is ready.
    if (output.length > OUTPUT_CHARS) return;
    output += chunk.toString();
    const found = pattern.exec(output);
    if (found) resolve(found);
  };
  child.stdout?.on("data", onData);
  child.stderr?.on("data", onData);
  child.once("error", reject);
  child.once("exit", (code, signal) => {
    reject(new Error(`it ended (${signal ?? code}) before it was ready: ${output.trim().slice(-500)}`));
  });
  const timer = setTimeout(() => reject(new Error(`it was not ready within ${READY_MS / 1_000} s`)), READY_MS);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), END_MS);
  await exited;
  clearTimeout(timer);
}

/** A process and all its descendants that live now; the process itself comes first. */
export function listTree(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync("/proc")) {
    const parent = /^\d+$/.test(name) ? Number(readStat(Number(name))?.[1]) : Number.NaN;
    if (!Number.isNaN(parent)) children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const tree = [root];
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}

/** Memory of one process, its shared pages divided among those who share them; 0 when it is gone. */
export function readPssBytes(pid: number): number {
  const kib = /^Pss:\s+(\d+) kB/m.exec(readProc(pid, "smaps_rollup") ?? "")?.[1];
  return Number(kib ?? 0) * 1_024;
}

/** Memory of one process that nobody shares and all that it shares; 0 when it is gone. */
export function readRssBytes(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB/m.exec(readProc(pid, "status") ?? "")?.[1];
  return Number(kib ?? 0) * 1_024;
}

/** Processor time that the processes have used so far, in steps of 10 ms. */
export function readCpuMs(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const stat = readStat(pid);
    return sum + (Number(stat?.[11] ?? 0) + Number(stat?.[12] ?? 0)) * TICK_MS;
  }, 0);
}

/** Open descriptors of a process; 0 when it is gone. */
export function countDescriptors(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    // because the process may be gone
    return 0;
  }
}

/** The program that a process runs; empty when it is gone. */
export function readProgram(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    // because the process may be gone
    return "";
  }
}

/** The fields of /proc/<pid>/stat from the state on: behind the name, which may hold anything. @see proc_pid_stat(5) */
function readStat(pid: number): string[] | undefined {
  const text = readProc(pid, "stat");
  return text?.slice(text.lastIndexOf(")") + 2).split(" ");
}

function readProc(pid: number, name: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8");
  } catch {
    // because processes come and go while one looks
    return undefined;
  }
}
