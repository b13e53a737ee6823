/**
 * Those whom Nebula is measured beside: bare `node:http`, `deno serve`, workerd and `jco serve`, each with the same hello.
 *
 * Deno, workerd and jco are npm packages with a lock file of their own, installed when the first scenario wants them.
 * Install scripts are not run: each binary is used where its platform package holds it.
 */

import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Started, startProcess } from "./processes.ts";
import { type Findings, talk } from "./scenario.ts";

const DIR = import.meta.dirname;
const FIXTURES = join(DIR, "fixtures");
const LIBC = "glibc";
const JCO = join(DIR, "node_modules/@bytecodealliance/jco/dist/jco.js");

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
  const known: KnownPeer[] = [
    { name: "node:http", version: () => process.version, start: startNode },
    { name: "deno serve", version: () => readVersion(denoBinary()), start: startDeno },
    { name: "workerd", version: () => readVersion(workerdBinary()), start: () => startWorkerd("workerd.capnp") },
  ];
  return keepKnown(known, { findings, failure });
}

/**
 * Those that can run Wasm programs here: workerd `functions/hello-rust` under a little WASI of ours, and `jco serve` the
 * component at that path, where there is one.
 */
export function openWasmPeers(findings: Findings, { component }: { component: string | undefined }): Peer[] {
  const failure = installPeers();
  const jco = () => {
    if (component === undefined) throw new Error("it serves components alone, and none answers HTTP here");
    return readVersion(process.execPath, [JCO, "--version"]);
  };
  const known = [
    { name: "node:http", version: () => process.version, start: startNode },
    { name: "workerd", version: () => readVersion(workerdBinary()), start: () => startWorkerd("workerd-wasi.capnp") },
    { name: "jco serve", version: jco, start: () => startJco(component ?? "") },
  ];
  return keepKnown(known, { findings, failure });
}

interface KnownPeer {
  readonly name: string;
  version(): string;
  start(): Promise<Server>;
}

function keepKnown(
  known: readonly KnownPeer[],
  { findings, failure }: { findings: Findings; failure: string | undefined },
): Peer[] {
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

/** Installs what the lock file says where something else is. Returns why it failed. */
function installPeers(): string | undefined {
  const stamp = join(DIR, "node_modules", ".package-lock.json");
  const isFresh = existsSync(stamp) && statSync(stamp).mtimeMs >= statSync(join(DIR, "package-lock.json")).mtimeMs;
  if (isFresh) return undefined;
  talk("installing the peers that bench/package-lock.json names (first run)");
  try {
    const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"];
    // Not `npm ci`, which refuses a registry that lacks the packages of other systems.
    execFileSync("npm", ["install", "--no-save", ...flags], { cwd: DIR, stdio: ["ignore", 2, 2] });
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

function readVersion(binary: string, args: readonly string[] = ["--version"]): string {
  const missing = [binary, ...args.slice(0, -1)].find((path) => !existsSync(path));
  if (missing !== undefined) throw new Error(`its package has no program for linux ${process.arch} with ${LIBC}`);
  const text = execFileSync(binary, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
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

async function startWorkerd(config: string): Promise<Server> {
  const args = ["serve", join(FIXTURES, config), "--control-fd=1"];
  return toServer("workerd", await startProcess(workerdBinary(), { args, ready: /"port":(\d+)/, readyOn: "stdout" }));
}

async function startJco(component: string): Promise<Server> {
  // A fresh instance for each request, as here; and it finds no free port itself.
  const args = [
    JCO,
    "serve",
    component,
    "--isolate-requests",
    "instance",
    "--host",
    "127.0.0.1",
    "--port",
    String(await findFreePort()),
  ];
  const ready = /listening @ \S+:(\d+)/;
  return toServer("jco serve", await startProcess(process.execPath, { args, ready, readyOn: "stderr" }));
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
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
