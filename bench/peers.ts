/**
 * Those whom Nebula is measured beside: bare `node:http`, `deno serve` and workerd, each with the same hello.
 *
 * Deno and workerd are npm packages with a lock file of their own, installed when the first scenario wants them.
 * Install scripts are not run: each binary is used where its platform package holds it.
 */

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Started, startProcess } from "./processes.ts";
import { type Findings, talk } from "./scenario.ts";

const DIR = import.meta.dirname;
const FIXTURES = join(DIR, "fixtures");
const LIBC = "glibc";

/** The answer of every hello. */
export const HELLO = "Hello, world\n";

/** A server that answers at `url` until it is disposed of. */
export interface Server extends AsyncDisposable {
  readonly name: string;
  readonly url: URL;
  /** The first of its processes. */
  readonly pid: number;
}

export interface Peer {
  readonly name: string;
  readonly version: string;
  /** Starts a fresh process; rejects when this machine cannot. */
  start(): Promise<Server>;
}

/** The peers that can run here. Those that cannot are named in the findings, with the reason. */
export function openPeers(findings: Findings): Peer[] {
  const failure = installPeers();
  const known: { name: string; version: () => string; start(): Promise<Server> }[] = [
    { name: "node:http", version: () => process.version, start: startNode },
    { name: "deno serve", version: () => readVersion(denoBinary()), start: startDeno },
    { name: "workerd", version: () => readVersion(workerdBinary()), start: startWorkerd },
  ];
  return known.flatMap((peer) => {
    try {
      const version = peer.version();
      findings.versions[peer.name] = version;
      return [{ name: peer.name, version, start: peer.start }];
    } catch (thrown) {
      findings.unavailable[peer.name] = failure ?? firstLine(thrown);
      return [];
    }
  });
}

/** `npm ci` where what is installed is not what the lock file says. Returns why it failed. */
function installPeers(): string | undefined {
  const stamp = join(DIR, "node_modules", ".package-lock.json");
  const isFresh = existsSync(stamp) && statSync(stamp).mtimeMs >= statSync(join(DIR, "package-lock.json")).mtimeMs;
  if (isFresh) return undefined;
  talk("installing the peers that bench/package-lock.json names (first run)");
  try {
    const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"];
    execFileSync("npm", ["ci", ...flags], { cwd: DIR, stdio: ["ignore", 2, 2] });
    return undefined;
  } catch (thrown) {
    return `npm could not install it: ${firstLine(thrown)}`;
  }
}

function denoBinary(): string {
  return join(DIR, "node_modules/@deno", `linux-${process.arch}-${LIBC}`, "deno");
}

function workerdBinary(): string {
  const arch = process.arch === "x64" ? "64" : process.arch;
  return join(DIR, "node_modules/@cloudflare", `workerd-linux-${arch}`, "bin/workerd");
}

function readVersion(binary: string): string {
  if (!existsSync(binary)) throw new Error(`its package has no binary for linux ${process.arch} with ${LIBC}`);
  const text = execFileSync(binary, ["--version"], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  return firstLine(text);
}

async function startNode(): Promise<Server> {
  const args = [join(FIXTURES, "node-http.js")];
  const ready = /(http:\/\/127\.0\.0\.1:\d+\/)/;
  return toServer("node:http", await startProcess(process.execPath, { args, ready, readyOn: "stdout" }));
}

async function startDeno(): Promise<Server> {
  const cache = mkdtempSync(join(tmpdir(), "nebula-bench-deno-"));
  const args = ["serve", "--no-config", "--host", "127.0.0.1", "--port", "0", join(FIXTURES, "hello.js")];
  const env = { DENO_DIR: cache, DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" };
  const remove = () => rmSync(cache, { recursive: true, force: true });
  try {
    const started = await startProcess(denoBinary(), {
      args,
      env,
      ready: /(http:\/\/127\.0\.0\.1:\d+\/)/,
      readyOn: "stderr",
    });
    return toServer("deno serve", started, remove);
  } catch (thrown) {
    remove();
    throw thrown;
  }
}

async function startWorkerd(): Promise<Server> {
  const args = ["serve", join(FIXTURES, "workerd.capnp"), "--control-fd=1"];
  return toServer("workerd", await startProcess(workerdBinary(), { args, ready: /"port":(\d+)/, readyOn: "stdout" }));
}

function toServer(name: string, started: Started, cleanUp: () => void = () => {}): Server {
  const [, found = ""] = started.ready;
  return {
    name,
    url: new URL(found.startsWith("http") ? found : `http://127.0.0.1:${found}/`),
    pid: started.pid,
    [Symbol.asyncDispose]: async () => {
      await started[Symbol.asyncDispose]();
      cleanUp();
    },
  };
}

function firstLine(thrown: unknown): string {
  return (thrown instanceof Error ? thrown.message : String(thrown)).split("\n", 1)[0] ?? "";
}
