/**
 * The composition root: settings in, a node out. The only place that knows which parts there are.
 */

import { randomBytes, randomUUID } from "node:crypto";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { getRequestListener } from "@hono/node-server";
import { openArtifacts } from "./artifacts/artifacts.ts";
import { toStateError } from "./artifacts/state-error.ts";
import { checkRestored } from "./backup/restore-backup.ts";
import { Backups } from "./backup-state.ts";
import { createCaches } from "./bindings/cache/cache.ts";
import { createKv } from "./bindings/kv/kv.ts";
import { Deployer } from "./deploy.ts";
import { openCgroups } from "./engine/guest/cgroups.ts";
import { createSandbox, inspectMachine, type SandboxLayer } from "./engine/guest/sandbox.ts";
import {
  CGROUP_ROOT,
  openContainerEngine,
  openIsolateEngine,
  openProver,
  openWasiEngine,
  type Prover,
} from "./engines.ts";
import { createControl } from "./http/control.ts";
import { type Gateway, openGateway } from "./http/gateway.ts";
import { listen, toUrl } from "./http/listen.ts";
import type { LiveFunction } from "./live-function.ts";
import { Migrator } from "./migrate.ts";
import { findErrno } from "./model/errno.ts";
import { type Log, systemClock } from "./model/ports.ts";
import { openRegistry } from "./registry/registry.ts";
import { lockStateDir } from "./registry/state-lock.ts";
import { Router } from "./router/router.ts";
import { createServices } from "./services.ts";
import { createSnapshots, openStateCopies, removeCopies } from "./snapshots.ts";
import { openD1, openKvStorage } from "./storages.ts";
import { HostMeter } from "./telemetry/host-meter.ts";
import { Metrics } from "./telemetry/metrics.ts";

/** Everything about a node that its operator may choose. */
export interface HostSettings {
  /** Absolute. Everything the node keeps is in here. */
  readonly stateDir: string;
  /** Where compiled add-ons are kept; below the state directory unless given. */
  readonly addonDir?: string;
  readonly hostname: string;
  /** 0: any that is free. */
  readonly dataPort: number;
  readonly controlPort: number;
  /** Messages and stacks of functions in responses, for whoever asks. */
  readonly isDevelopment: boolean;
  readonly log: Log;
}

/** A node that serves. */
export interface Host extends AsyncDisposable {
  readonly dataUrl: string;
  readonly controlUrl: string;
  /** Bearer token of the control API; also in the file `token` of the state directory. */
  readonly token: string;
  readonly layers: readonly SandboxLayer[];
  /** Stops accepting, finishes what is in flight within DRAIN_MS, then closes. Quiet when repeated. */
  drain(): Promise<void>;
}

/** The version of the node, as package.json has it. */
export const VERSION = "0.1.0";
const DRAIN_MS = 10_000;
/** How long one upload may take: an image has gigabytes, and the way to a small node may be slow. */
const UPLOAD_MS = 3_600_000;

/**
 * Starts a node and brings back the functions that it had.
 *
 * @throws {NebulaError} NEBULA_STATE_FAILED when the state directory cannot be used or another node has it,
 * NEBULA_LISTEN_FAILED when a port cannot be had, NEBULA_START_FAILED when guest processes cannot be started.
 */
export async function openHost(settings: HostSettings): Promise<Host> {
  const { stateDir, log } = settings;
  await using stack = new AsyncDisposableStack();
  stack.use(await lockStateDir(stateDir));
  await checkRestored(stateDir);
  const token = await ensureToken(join(stateDir, "token"));

  const clock = systemClock;
  const artifacts = await openArtifacts(join(stateDir, "artifacts"));
  const registry = stack.use(
    await openRegistry(join(stateDir, "registry.db"), { clock, randomId: () => randomBytes(8).toString("hex") }),
  );

  const machine = inspectMachine();
  const cgroups = openCgroups({ root: CGROUP_ROOT, hostPid: machine.hostPid });
  if (typeof cgroups !== "string") stack.use(cgroups);
  const sandbox = createSandbox(machine, cgroups);
  const engineSettings = { sandbox, stateDir, addonDir: toAddonDir(settings), blobs: artifacts, clock, log };
  const isolate = stack.use(await openIsolateEngine(engineSettings));
  const wasi = stack.use(await openWasiEngine(engineSettings));
  const container = stack.use(openContainerEngine(engineSettings));

  const storageSettings = { stateDir, setpriv: machine.setpriv, clock, log };
  const kvStorage = stack.use(openKvStorage(storageSettings));
  const databases = stack.use(openD1(storageSettings));

  const findKv = createKv({ storage: kvStorage, clock });
  const migrator = new Migrator(databases);
  await removeCopies(stateDir);

  const router = new Router<LiveFunction>();
  const metrics = new Metrics({ serves: (name) => router.entries.has(name) });
  const engines = { isolate, wasi, container };
  const deployer = stack.use(
    new Deployer({
      engines,
      artifacts,
      blobs: artifacts,
      resources: {
        d1: databases.find,
        kv: findKv,
        caches: createCaches(clock),
        service: createServices({ router, clock, log, metrics, randomId: randomUUID }),
      },
      registry,
      migrator,
      router,
      clock,
      log,
      drainMs: DRAIN_MS,
    }),
  );
  await deployer.restore();
  await deployer.sweep();

  const hostMeter = stack.use(new HostMeter(clock));
  const { hostname, dataPort, isDevelopment } = settings;
  const gateway = await openGateway({
    hostname,
    port: dataPort,
    router,
    clock,
    log,
    audience: isDevelopment ? "owner" : "caller",
    metrics,
    randomId: randomUUID,
  });
  stack.defer(() => gateway.drain({ timeoutMs: DRAIN_MS }));
  const describeNode = () => ({ version: VERSION, dataUrl: gateway.url, controlUrl, layers: sandbox.layers });
  const top = { version: VERSION, router, engines, metrics, hostMeter, clock };
  const control = await openControl(
    createControl({
      token,
      deployer,
      artifacts,
      registry,
      router,
      databases,
      migrator,
      backups: new Backups({
        stateDir,
        version: VERSION,
        artifacts,
        registry,
        openCopies: (dir) => openStateCopies(dir, storageSettings),
        clock,
      }),
      openSnapshot: createSnapshots(databases, storageSettings),
      findNamespace: (id) => findKv({ type: "kv", name: "", id }, { name: "" }),
      log,
      top,
      describeNode,
      randomId: randomUUID,
    }),
    settings,
  );
  const controlUrl = toUrl(control, hostname);
  stack.defer(() => closeServer(control));
  const nodeFile = join(stateDir, "node.json");
  await writeFile(nodeFile, JSON.stringify({ dataUrl: gateway.url, controlUrl, pid: process.pid }));
  stack.defer(() => rm(nodeFile, { force: true }));
  return toHost({ owned: stack.move(), gateway, controlUrl, token, layers: sandbox.layers });
}

/** What builds beside this node prove their programs with; it keeps nothing running until it is asked. */
export function openNodeProver(settings: HostSettings): Prover {
  const { stateDir, log } = settings;
  return openProver({ stateDir, addonDir: toAddonDir(settings), log, clock: systemClock });
}

function toAddonDir({ addonDir, stateDir }: HostSettings): string {
  return addonDir ?? join(stateDir, "addon");
}

function toHost({
  owned,
  gateway,
  ...shown
}: Pick<Host, "controlUrl" | "token" | "layers"> & { owned: AsyncDisposableStack; gateway: Gateway }): Host {
  let closing: Promise<void> | undefined;
  const drain = () => {
    closing ??= owned.disposeAsync();
    return closing;
  };
  return { ...shown, dataUrl: gateway.url, drain, [Symbol.asyncDispose]: drain };
}

async function openControl(
  app: ReturnType<typeof createControl>,
  { hostname, controlPort }: HostSettings,
): Promise<Server> {
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const server = createServer({ requestTimeout: UPLOAD_MS }, listener);
  await listen(server, { hostname, port: controlPort });
  return server;
}

async function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}

/** The token of before, or a new one where there is none: no file yet, or an empty one after a start on a full disk. */
async function ensureToken(path: string): Promise<string> {
  try {
    const kept = await readFile(path, "utf8").catch((error: unknown) => {
      if (findErrno(error) === "ENOENT") return "";
      throw error;
    });
    if (kept.trim() !== "") return kept.trim();
    const token = randomBytes(32).toString("base64url");
    await writeFile(`${path}.new`, `${token}\n`, { mode: 0o600 });
    await rename(`${path}.new`, path);
    return token;
  } catch (error) {
    throw toStateError("keep the token in", path, error);
  }
}
