/**
 * A guest: one function in its own process, from blank to answering.
 *
 *     blank ─▶ loaded ─▶ loaded …        `load` once, `fetch` many times, many at once
 *
 * Sits behind the frames; the host is on their other end. Nothing here is trusted by the host.
 */

import { AsyncLocalStorage } from "node:async_hooks";
import type { Body } from "../../model/exchange.ts";
import { hasNodejsCompat } from "../../model/nodejs-compat.ts";
import { toWireError } from "../../model/wire-error.ts";
import type { IncomingCall, OutgoingAnswer } from "../frames/incoming-call.ts";
import type { Peer } from "../frames/peer.ts";
import { createConsole } from "./console.guest.ts";
import { createDiagnostics } from "./diagnostics.guest.ts";
import { installGlobalEvents, PromiseRejectionEvent } from "./events.guest.ts";
import { createTimers, defineGlobals, removeNodeGlobals } from "./globals.guest.ts";
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
import { bindProcess, createCompat, type Exports } from "./nodejs-compat.guest.ts";
import { createOutbound } from "./outbound.guest.ts";
import type { FetchHead, LoadHead, LogMethod, PingHead } from "./protocol.ts";
import { fromResponse, installFastBodies, toRequest } from "./web.guest.ts";

/** One request on its way through the function, or the time outside of any. */
interface Scope {
  /** Absent outside of a request. */
  readonly call?: CallScope;
  logBytesLeft: number;
}

/** What a guest needs of a call: frames bring it, and the warm-up has one of its own. */
export type CallScope = Pick<IncomingCall, "id" | "signal" | "takeBody" | "hold">;

/** One piece of output is cut here, so that it fits a frame whatever its characters are. */
const LOG_PIECE = 60_000;

type Head = LoadHead | FetchHead | PingHead;
type Answer = (call: CallScope, head: FetchHead) => Promise<OutgoingAnswer>;

/** What the bootstrap hands over before it takes it away from everybody else. */
export interface GuestOptions {
  /** Node's look-up of built-in modules, out of reach for everybody else from here on. */
  getBuiltin(name: string): unknown;
}

/**
 * Prepares the global scope and gives what answers the host's calls.
 * Called once per process, before any guest code.
 */
export function createGuest({ getBuiltin }: GuestOptions) {
  const scopes = new AsyncLocalStorage<Scope>();
  const background: Scope = { logBytesLeft: 0 };
  let peer: Peer | undefined;
  let logBytes = 0;
  let answer: Answer | undefined;

  const write = (level: LogMethod, text: string) => {
    const scope = scopes.getStore() ?? background;
    if (scope.logBytesLeft <= 0) return;
    const kept = text.slice(0, Math.min(scope.logBytesLeft, LOG_PIECE));
    scope.logBytesLeft -= text.length + 1;
    const isLast = scope.logBytesLeft <= 0;
    const shown = isLast ? `${kept} … (no more is kept: the log limit is ${logBytes} bytes)` : kept;
    peer?.note(scope.call?.id ?? 0, { note: "log", level, text: shown });
  };
  const report = (error: unknown) => {
    const { name, message, stack } = toWireError(error);
    write("error", `Uncaught ${stack ?? `${name}: ${message}`}`);
  };

  const bodies = installFastBodies();
  const events = installGlobalEvents(report);
  process.on("uncaughtException", events.reportException);
  const rejected = new WeakMap<Promise<unknown>, unknown>();
  process.on("unhandledRejection", (reason, promise) => {
    rejected.set(promise, reason);
    const event = new PromiseRejectionEvent("unhandledrejection", { promise, reason, cancelable: true });
    if (events.dispatch(event)) report(reason);
  });
  process.on("rejectionHandled", (promise) => {
    events.dispatch(new PromiseRejectionEvent("rejectionhandled", { promise, reason: rejected.get(promise) }));
  });
  const outbound = createOutbound({
    call: (head, body) => {
      if (peer === undefined) throw new TypeError("Cannot call out: there is no connection");
      return peer.call(head, body);
    },
    parent: () => scopes.getStore()?.call?.id ?? 0,
  });
  const compatGlobals = { setImmediate, clearImmediate, global: globalThis };
  const createNodeProcess = bindProcess();
  removeNodeGlobals();
  defineGlobals({
    ...createTimers(),
    console: createConsole(write),
    fetch: outbound.fetch,
    navigator: Object.freeze({ userAgent: "Nebula", platform: "Linux", language: "en", hardwareConcurrency: 1 }),
  });

  const createContext = (call: CallScope | undefined): ExecutionContext => ({
    waitUntil: (work) => {
      const promise = Promise.resolve(work);
      call?.hold(promise);
      promise.catch(report);
    },
    passThroughOnException: () => {},
    props: {},
  });

  /** Evaluates a function; what it gives answers its requests. */
  const evaluate = async (head: LoadHead, files: ReadonlyMap<string, Uint8Array>): Promise<Answer> => {
    const env = createEnv(head, outbound.binding);
    const vars = textVars(head);
    const deno = createDenoStyle(vars);
    const isCompat = hasNodejsCompat(head.compatibility);
    const nodeProcess = createNodeProcess(vars);
    if (isCompat) defineGlobals({ ...compatGlobals, process: nodeProcess });
    if (head.style === "deno") defineGlobals({ Deno: deno.namespace });
    if (head.style === "listener") defineGlobals(env);
    const substitutes = {
      process: nodeProcess,
      console,
      ...(isCompat && { diagnostics_channel: createDiagnostics() }),
    };
    const compat = createCompat(getBuiltin, { compatibility: head.compatibility, substitutes });
    const waitUntil = (work: unknown) => createContext(scopes.getStore()?.call).waitUntil(work);
    const workers: Exports = { env, WorkerEntrypoint, waitUntil };
    const findBuiltin = (name: string) => (name === "cloudflare:workers" ? workers : compat(name));
    const exports = await evaluateEntry({ head, files, findBuiltin });
    const handler = findHandler(head, { exports, deno, events });
    return async (call, fetchHead) => {
      const scope: Scope = { call, logBytesLeft: logBytes };
      const request = toRequest(fetchHead, { body: call.takeBody(), signal: () => call.signal });
      const response = await scopes.run(scope, handler, request, env, createContext(call));
      return fromResponse(response, { method: fetchHead.method, bodies });
    };
  };

  return {
    evaluate,
    connect: (connected: Peer) => {
      peer = connected;
    },
    onCall: async (call: IncomingCall): Promise<OutgoingAnswer> => {
      const head = fromHost(call.head);
      if (head.op === "fetch" && answer !== undefined) return await answer(call, head);
      if (head.op === "load") {
        logBytes = head.logBytes;
        background.logBytesLeft = logBytes;
        answer = await evaluate(head, cutFiles(head, await readAll(call.takeBody())));
      }
      return { head: {}, body: null };
    },
  };
}

/** The border with the host, whose words are trusted. */
function fromHost(head: unknown): Head {
  return head as Head;
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
