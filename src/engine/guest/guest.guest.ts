/**
 * A guest: one function in its own process, from blank to answering.
 *
 *     blank ─▶ loaded ─▶ loaded …        `load` once, `fetch` many times, many at once
 *
 * Sits behind the frames; the host is on their other end. Nothing here is trusted by the host.
 */

import { AsyncLocalStorage } from "node:async_hooks";
import type { Body } from "../../model/exchange.ts";
import { toWireError } from "../../model/wire-error.ts";
import type { IncomingCall, OutgoingAnswer } from "../frames/incoming-call.ts";
import type { Peer } from "../frames/peer.ts";
import { createConsole } from "./console.guest.ts";
import {
  createTimers,
  defineGlobals,
  installGlobalEvents,
  PromiseRejectionEvent,
  removeNodeGlobals,
} from "./globals.guest.ts";
import {
  createDenoStyle,
  type Env,
  type ExecutionContext,
  type Handler,
  toListenerHandler,
  toModuleHandler,
  WorkerEntrypoint,
} from "./handler.guest.ts";
import { evaluateEntry } from "./modules.guest.ts";
import { createCompat, createProcess, type Exports } from "./nodejs-compat.guest.ts";
import { createOutbound } from "./outbound.guest.ts";
import type { FetchHead, LoadHead, LogMethod, PingHead } from "./protocol.ts";
import { fromResponse, installFastBodies, toRequest } from "./web.guest.ts";

/** One request on its way through the function. */
export interface Invocation {
  readonly call: IncomingCall;
  logBytesLeft: number;
}

type Head = LoadHead | FetchHead | PingHead;

export interface GuestOptions {
  /** Node's look-up of built-in modules. */
  getBuiltin(name: string): unknown;
}

/** Prepares the global scope and gives the handler of the host's calls. Called once per process, before any guest code. */
export function createGuest(options: GuestOptions) {
  const invocations = new AsyncLocalStorage<Invocation>();
  let peer: Peer | undefined;
  let logBytes = 0;
  let run: ((call: IncomingCall, head: FetchHead) => Promise<OutgoingAnswer>) | undefined;

  const write = (level: LogMethod, text: string) => {
    const invocation = invocations.getStore() ?? background;
    const bytes = text.length + 1;
    if (invocation.logBytesLeft <= 0) return;
    invocation.logBytesLeft -= bytes;
    const isCut = invocation.logBytesLeft <= 0;
    const kept = isCut
      ? `${text.slice(0, Math.max(0, invocation.logBytesLeft + bytes))} … (log limit reached: ${logBytes} bytes)`
      : text;
    peer?.note(invocation.call?.id ?? 0, { note: "log", level, text: kept.slice(0, 60_000) });
  };
  const background: { call?: IncomingCall; logBytesLeft: number } = { logBytesLeft: 0 };

  const report = (error: unknown) => {
    const { name, message, stack } = toWireError(error);
    write("error", `Uncaught ${stack ?? `${name}: ${message}`}`);
  };
  const bodies = installFastBodies();
  const events = installGlobalEvents(report);
  process.on("uncaughtException", (error) => {
    if (events.dispatch(new ErrorEvent("error", { error, message: toWireError(error).message, cancelable: true })))
      report(error);
  });
  process.on("unhandledRejection", (reason, promise) => {
    if (events.dispatch(new PromiseRejectionEvent("unhandledrejection", { promise, reason, cancelable: true })))
      report(reason);
  });

  const load = async (call: IncomingCall, head: LoadHead): Promise<OutgoingAnswer> => {
    logBytes = head.logBytes;
    background.logBytesLeft = logBytes;
    const files = cutFiles(head, await readAll(call.takeBody()));
    const outbound = createOutbound({
      call: (callHead, body) => mustPeer(peer).call(callHead, body),
      parent: () => invocations.getStore()?.call.id ?? 0,
    });
    const env = createEnv(head, outbound.binding);
    const vars = textVars(head);
    const hasCompat = head.compatibility.flags.includes("nodejs_compat");
    const nodeProcess = createProcess(hasCompat ? vars : {});
    const compat = createCompat(options.getBuiltin, { process: nodeProcess });
    const currentCtx = () => createContext(invocations.getStore()?.call);
    const workers: Exports = { env, WorkerEntrypoint, waitUntil: (work: unknown) => currentCtx().waitUntil(work) };
    const deno = createDenoStyle(vars);
    const buffer = hasCompat ? { Buffer, setImmediate, clearImmediate, global: globalThis, process: nodeProcess } : {};

    removeNodeGlobals();
    defineGlobals({
      ...createTimers(),
      ...buffer,
      console: createConsole(write),
      fetch: outbound.fetch,
      navigator: Object.freeze({ userAgent: "Nebula", language: "en", hardwareConcurrency: 1 }),
      ...(head.style === "deno" && { Deno: deno.namespace }),
      ...(head.style === "listener" && env),
    });
    const exports = await evaluateEntry({
      head,
      files,
      findBuiltin: (name) => (name === "cloudflare:workers" ? workers : hasCompat ? compat(name) : undefined),
    });
    const handler = findHandler(head, { exports, deno, events });
    run = (fetchCall, fetchHead) => answer(fetchCall, fetchHead, { handler, env });
    return { head: { ok: true }, body: null };
  };

  const answer = async (call: IncomingCall, head: FetchHead, { handler, env }: { handler: Handler; env: Env }) => {
    const invocation: Invocation = { call, logBytesLeft: logBytes };
    const request = toRequest(head, { body: call.takeBody(), signal: () => call.signal });
    const response = await invocations.run(invocation, handler, request, env, createContext(call));
    return fromResponse(response, { method: head.method, bodies });
  };

  const createContext = (call: IncomingCall | undefined): ExecutionContext => ({
    waitUntil: (work) => {
      const promise = Promise.resolve(work);
      call?.hold(promise);
      promise.catch(report);
    },
    passThroughOnException: () => {},
    props: {},
  });

  return {
    connect: (connected: Peer) => {
      peer = connected;
    },
    onCall: async (call: IncomingCall): Promise<OutgoingAnswer> => {
      const head = fromHost(call.head);
      if (head.op === "ping") return { head: {}, body: null };
      if (head.op === "load") return await load(call, head);
      if (run === undefined) throw new TypeError("Cannot answer: no function is loaded");
      return await run(call, head);
    },
  };
}

/** The border with the host, whose words are trusted. */
function fromHost(head: unknown): Head {
  return head as Head;
}

function mustPeer(peer: Peer | undefined): Peer {
  if (peer === undefined) throw new TypeError("Cannot call the host: there is no connection");
  return peer;
}

function findHandler(
  head: LoadHead,
  {
    exports,
    deno,
    events,
  }: {
    exports: Record<string, unknown>;
    deno: ReturnType<typeof createDenoStyle>;
    events: ReturnType<typeof installGlobalEvents>;
  },
): Handler {
  if (head.style === "module") return toModuleHandler(exports);
  return head.style === "deno" ? deno.takeHandler() : toListenerHandler(events);
}

function createEnv(head: LoadHead, binding: (name: string) => object): Env {
  const entries = head.bindings.map((each) => [each.name, each.type === "var" ? each.value : binding(each.name)]);
  return Object.freeze(Object.fromEntries(entries));
}

function textVars(head: LoadHead): Record<string, string> {
  const vars: Record<string, string> = {};
  for (const each of head.bindings) {
    if (each.type === "var") vars[each.name] = typeof each.value === "string" ? each.value : JSON.stringify(each.value);
  }
  return vars;
}

async function readAll(body: Body): Promise<Uint8Array> {
  if (body === null) return new Uint8Array();
  return body instanceof Uint8Array ? body : new Uint8Array(await new Response(body).arrayBuffer());
}

function cutFiles(head: LoadHead, bytes: Uint8Array): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  let at = 0;
  for (const module of head.modules) {
    files.set(module.name, bytes.subarray(at, at + module.bytes));
    at += module.bytes;
  }
  return files;
}
