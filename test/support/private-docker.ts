/**
 * A Docker daemon of a test's own, which may be killed and whose disk may be filled: the machine's is left alone.
 *
 * Everything of it lies below one folder, its images and containers in a file system in memory with an end. It changes
 * no firewall, because that is the other daemon's too; networks that are made in it have addresses of their own.
 */

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, openSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { isAlive } from "./processes.ts";
import { mountMemory } from "./small-disk.ts";

const run = promisify(execFile);

/** What its images and containers lie in. */
const DISK_BYTES = 640 * 1024 * 1024;
/** vfs needs nothing of the file system below it, and copies every layer. */
const DRIVERS = ["overlay2", "vfs"];
const UP_MS = 60_000;
const DOWN_MS = 30_000;
const LOOK_AGAIN_MS = 50;

export interface PrivateDocker extends AsyncDisposable {
  /** As in `DOCKER_HOST`. */
  readonly host: string;
  /** Everything of it lies below; its processes name it. */
  readonly root: string;
  /** What fills when images and containers are made. */
  readonly dataDir: string;
  /** Runs `docker` with it, and gives what it prints. `input` is its standard input. */
  ask(args: readonly string[], input?: string): Promise<string>;
  /** SIGKILL. Its containers run on. */
  kill(): Promise<void>;
  /** Starts it again. */
  start(): Promise<void>;
}

/** Why this machine cannot have one; undefined when it can. */
export function findObstacle(): string | undefined {
  if (process.getuid?.() !== 0) return "only root can start a Docker daemon";
  return existsSync("/usr/sbin/dockerd") || existsSync("/usr/bin/dockerd") ? undefined : "there is no dockerd";
}

/** Starts one, which is the Docker of this process (`DOCKER_HOST`) until it is disposed. */
export async function openPrivateDocker(): Promise<PrivateDocker> {
  const root = await mkdtemp(join(tmpdir(), "nebula-docker-"));
  const dataDir = join(root, "data");
  await mkdir(dataDir);
  await using cleanUp = new AsyncDisposableStack();
  cleanUp.defer(() => rm(root, { recursive: true, force: true }));
  cleanUp.use(await mountMemory(dataDir, DISK_BYTES));
  const host = `unix://${join(root, "docker.sock")}`;
  const env = { ...process.env, DOCKER_HOST: host };
  const logFile = join(root, "dockerd.log");
  // Addresses that are for tests (RFC 2544), and a part of them that the next process does not have.
  const pool = `base=198.18.${(process.pid % 16) * 16}.0/20,size=24`;
  let daemon: ChildProcess | undefined;
  let driver: string | undefined;

  const ask: PrivateDocker["ask"] = async (args, input) => {
    const asked = run("docker", args, { env });
    // because it may have ended before it has read anything
    asked.child.stdin?.on("error", () => {});
    asked.child.stdin?.end(input ?? "");
    return (await asked).stdout.trim();
  };

  /** Whether it has come up with this way to store layers. */
  const tryStart = async (storage: string): Promise<boolean> => {
    const log = openSync(logFile, "a");
    const own = ["--host", host, "--data-root", dataDir, "--exec-root", join(root, "exec")];
    // Not --bridge=none, which would remove the bridge of the machine's own Docker: its builds need that.
    const apart = ["--pidfile", join(root, "pid"), "--iptables=false"];
    const addresses = ["--default-address-pool", pool, "--storage-driver", storage];
    // It ends with the test, however that ends.
    const argv = ["--pdeathsig", "TERM", "dockerd", ...own, ...apart, ...addresses];
    const child = spawn("setpriv", argv, { stdio: ["ignore", log, log] });
    daemon = child;
    for (const endMs = performance.now() + UP_MS; performance.now() < endMs; ) {
      if (child.exitCode !== null || child.signalCode !== null) return false;
      if (await ask(["version"]).then(Boolean, () => false)) return true;
      await pause();
    }
    return false;
  };

  const start = async () => {
    for (const storage of driver === undefined ? DRIVERS : [driver]) {
      if (await tryStart(storage)) {
        driver = storage;
        return;
      }
      await stop("SIGKILL");
    }
    throw new Error(`Cannot start a Docker daemon: ${readFileSync(logFile, "utf8").slice(-2_000)}`);
  };

  const stop = async (signal: "SIGTERM" | "SIGKILL") => {
    const child = daemon;
    daemon = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const closed = once(child, "close");
    child.kill(signal);
    await closed;
    // Its containerd ends with it; one that nobody has waited for would be taken for alive by the next daemon.
    const file = join(root, "exec/containerd/containerd.pid");
    const containerd = Number(await readFile(file, "utf8").catch(() => ""));
    for (const endMs = performance.now() + DOWN_MS; isAlive(containerd) && performance.now() < endMs; ) await pause();
    await rm(file, { force: true });
  };

  cleanUp.defer(async () => {
    // One that was killed has left processes behind, which it ends when it is started and stopped.
    if (daemon === undefined) await start();
    const left = await ask(["ps", "--all", "--quiet"]);
    if (left !== "") await ask(["rm", "--force", ...left.split("\n")]);
    await ask(["network", "prune", "--force"]);
    await stop("SIGTERM");
  });
  await start();
  const { DOCKER_HOST } = process.env;
  process.env.DOCKER_HOST = host;
  cleanUp.defer(() => {
    if (DOCKER_HOST === undefined) delete process.env.DOCKER_HOST;
    else process.env.DOCKER_HOST = DOCKER_HOST;
  });
  const opened = cleanUp.move();
  return {
    ...{ host, root, dataDir, ask, start },
    kill: () => stop("SIGKILL"),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

async function pause(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
}
