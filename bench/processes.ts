/**
 * Processes under measurement: started, waited for, looked at through /proc, ended. Linux only, as Nebula is.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const READY_MS = 120_000;
const END_MS = 10_000;
/** A log is emptied so often: under load a node writes some megabytes a second. */
const TRIM_MS = 1_000;
const SHOWN_CHARS = 500;
/** Clock ticks of /proc/<pid>/stat: USER_HZ is 100 on every Linux that Node runs on. */
const TICK_MS = 10;

export interface StartOptions {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The first output that matches says that the process is ready. */
  readonly ready: RegExp;
  /** Where it says so. */
  readonly readyOn: "stdout" | "stderr";
}

export interface Started extends AsyncDisposable {
  readonly pid: number;
  readonly ready: RegExpExecArray;
}

/**
 * Starts a program and waits for the words that say it is ready.
 *
 * Only that stream is read here. The other goes to a file, as under a service manager: reading a log line for each
 * request would cost the very processor that is measured.
 */
export async function startProcess(file: string, { args, env, ready, readyOn }: StartOptions): Promise<Started> {
  const log = openLog();
  const child = spawn(file, args, {
    env: { ...process.env, ...env },
    stdio: readyOn === "stdout" ? ["ignore", "pipe", log.fd] : ["ignore", log.fd, "pipe"],
  });
  const dispose = async () => {
    await end(child);
    log[Symbol.dispose]();
  };
  try {
    const found = await waitForReady(child, ready);
    return { pid: child.pid ?? 0, ready: found, [Symbol.asyncDispose]: dispose };
  } catch (thrown) {
    const words = log.read().trim().slice(-SHOWN_CHARS);
    await dispose();
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new Error(`Cannot start "${file}": ${why} ${words}`.trim(), { cause: thrown });
  }
}

interface ProcessLog extends Disposable {
  readonly fd: number;
  read(): string;
}

function openLog(): ProcessLog {
  const dir = mkdtempSync(join(tmpdir(), "nebula-bench-log-"));
  const path = join(dir, "log");
  const fd = openSync(path, "a");
  const timer = setInterval(() => ftruncateSync(fd), TRIM_MS).unref();
  return {
    fd,
    read: () => readFileSync(path, "utf8"),
    [Symbol.dispose]: () => {
      clearInterval(timer);
      closeSync(fd);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function waitForReady(child: ChildProcess, pattern: RegExp): Promise<RegExpExecArray> {
  const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
  let output = "";
  const stream = child.stdout ?? child.stderr;
  stream?.on("data", (chunk: Buffer) => {
    output += chunk.toString();
    const found = pattern.exec(output);
    if (found) resolve(found);
  });
  child.once("error", reject);
  child.once("exit", (code, signal) => {
    reject(new Error(`it ended (${signal ?? code}) before it was ready: ${output.trim().slice(-SHOWN_CHARS)}`));
  });
  const timer = setTimeout(() => reject(new Error(`it was not ready within ${READY_MS / 1_000} s`)), READY_MS);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    // Read for ever, so that no program waits for us, but kept no longer.
    stream?.removeAllListeners("data").resume();
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
