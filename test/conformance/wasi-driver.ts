/**
 * Follows one WASI test: starts its program in a process of its own, does what the test says, and compares.
 */

import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import type { Operation, RequestCase, WasiCase } from "./wasi-case.ts";
import { Gathered } from "./wasi-gathered.ts";
import { openServers } from "./wasi-servers.ts";

const GUEST = join(import.meta.dirname, "wasi-guest.ts");

/** What a test found wrong; nothing when it passed. */
export type Failures = readonly string[];

/** Runs a test. Never throws, and is over soon after `timeoutMs`. */
export async function runCase(file: string, test: WasiCase, { timeoutMs }: { timeoutMs: number }): Promise<Failures> {
  await using servers = await openServers(test.servers);
  await using program = new RunningProgram(file, test, servers.env);
  const timeout = new AbortController();
  const late = delay(timeoutMs, undefined, { signal: timeout.signal }).then(
    () => [`it was not done after ${timeoutMs} ms: ${program.describe()}`],
    () => [],
  );
  try {
    return await Promise.race([program.follow(test.operations), late]);
  } catch (thrown) {
    return [thrown instanceof Error ? thrown.message : String(thrown)];
  } finally {
    timeout.abort();
  }
}

class RunningProgram implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #exited: Promise<number>;
  readonly #output: Readonly<Record<"stdout" | "stderr", Gathered>>;

  constructor(file: string, { run, isService }: WasiCase, serverEnv: Readonly<Record<string, string>>) {
    const env = Object.entries({ ...run.env, ...serverEnv }).flatMap(([name, value]) => ["--env", `${name}=${value}`]);
    const dirs = run.preopens.flatMap(({ from, path }) => ["--dir", `${from}::${path}`]);
    const argv = [GUEST, ...env, ...dirs, ...(isService ? ["--serve"] : []), file, ...run.args];
    this.#child = spawn(process.execPath, argv, { stdio: "pipe", env: {} });
    // A program that has ended before its input was written is no failure of the writing.
    this.#child.stdin.on("error", () => {});
    this.#exited = once(this.#child, "close").then(([code, signal]) => (signal === null ? Number(code) : -1));
    this.#output = { stdout: new Gathered(this.#child.stdout), stderr: new Gathered(this.#child.stderr) };
  }

  /** Does one operation after the other; a failed one does not keep the next from being tried. */
  async follow(operations: readonly Operation[]): Promise<string[]> {
    const failures: string[] = [];
    for (const operation of operations) {
      const failure = await this.#do(operation);
      if (failure !== undefined) failures.push(failure);
    }
    return failures;
  }

  describe(): string {
    const { stdout, stderr } = this.#output;
    return `standard output ${show(stdout.text)}, standard error ${show(stderr.text)}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exited;
  }

  async #do(operation: Operation): Promise<string | undefined> {
    switch (operation.type) {
      case "write":
        this.#child.stdin.write(operation.payload);
        return undefined;
      case "close":
        this.#child.stdin.end();
        return undefined;
      case "read": {
        const { id, payload, isWhole } = operation;
        const text = await this.#output[id].take(isWhole ? undefined : payload.length);
        return text === payload ? undefined : `${id}: expected ${show(payload)}, got ${show(text)}`;
      }
      case "request":
        return await this.#ask(operation.request);
      case "kill":
        this.#child.kill(operation.signal);
        return undefined;
      case "wait": {
        this.#child.stdin.end();
        const code = await this.#exited;
        const is = `exit code: expected ${operation.exitCode}, got ${code}`;
        return code === operation.exitCode ? undefined : `${is} (${this.describe()})`;
      }
    }
  }

  async #ask({ method, path, headers, body, response }: RequestCase): Promise<string | undefined> {
    const what = `${method} ${path}`;
    const base = (await this.#output.stderr.find(/http:\/\/\S+/))?.[0];
    if (base === undefined) return `${what}: the program does not serve (${this.describe()})`;
    const found = await fetch(new URL(path, base), { method, headers, ...(body !== "" && { body }) });
    const text = await found.text();
    if (found.status !== response.status) {
      return `${what}: expected status ${response.status}, got ${found.status} ${show(text)} (${this.describe()})`;
    }
    for (const [name, value] of Object.entries(response.headers)) {
      const got = found.headers.get(name);
      if (got !== value) return `${what}: expected header ${name}: ${show(value)}, got ${show(got)}`;
    }
    return text === response.body ? undefined : `${what}: expected body ${show(response.body)}, got ${show(text)}`;
  }
}

function show(text: string | null): string {
  const shown = JSON.stringify(text);
  return shown.length > 1_000 ? `${shown.slice(0, 1_000)}…` : shown;
}
