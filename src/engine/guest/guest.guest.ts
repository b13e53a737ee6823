/**
 * A guest: one function in its own process, from blank to answering.
 *
 *     blank ─▶ loaded ─▶ loaded …        `load` once, `fetch` many times, many at once
 *
 * Sits behind the frames; the host is on their other end. Nothing here is trusted by the host.
 */

import { readAll } from "../../env/ask.ts";
import { createCaches } from "../../env/caches.ts";
import {
  type Entrypoints,
  type ExecutionContext,
  findEntrypoints,
  toEntrypoints,
  WorkerEntrypoint,
} from "../../env/entrypoints.ts";
import { createEnv, type Env } from "../../env/env.ts";
import { RpcTarget } from "../../env/rpc.ts";
import type { IncomingCall, OutgoingAnswer } from "../../frames/incoming-call.ts";
import type { Peer } from "../../frames/peer.ts";
import { readBody } from "../../frames/read-body.ts";
import { toTextVars } from "../../model/function.ts";
import { hasNodejsCompat } from "../../model/nodejs-compat.ts";
import { RPC_LIMIT_BYTES, RPC_STATUS } from "../../model/service.ts";
import { createConsole } from "./console.guest.ts";
import { createDiagnostics } from "./diagnostics.guest.ts";
import { type GlobalEvents, installGlobalEvents, PromiseRejectionEvent } from "./events.guest.ts";
import { createTimers, defineGlobals } from "./globals.guest.ts";
import { createDenoStyle, type DenoStyle, toListenerHandler } from "./handler.guest.ts";
import { evaluateEntry } from "./modules.guest.ts";
import { bindProcess, createCompat, type Exports } from "./nodejs-compat.guest.ts";
import { createOutbound, type Outbound } from "./outbound.guest.ts";
import type { Platform } from "./platform.guest.ts";
import type { FetchHead, LoadHead, PingHead } from "./protocol.ts";
import { type CallScope, Scopes } from "./scopes.guest.ts";
import { type FastBodies, fromResponse, installFastBodies, toRequest } from "./web.guest.ts";

type Head = LoadHead | FetchHead | PingHead;
type Answer = (call: CallScope, head: FetchHead) => Promise<OutgoingAnswer>;

/** Made once per process, before any guest code: the constructor prepares the global scope. */
export class Guest {
  readonly #getBuiltin: (name: string) => unknown;
  readonly #scopes = new Scopes();
  readonly #bodies: FastBodies = installFastBodies();
  readonly #events: GlobalEvents = installGlobalEvents(this.#scopes.report);
  readonly #outbound: Outbound;
  readonly #createProcess = bindProcess();
  /** Globals of Node that nodejs_compat brings back. */
  readonly #compatGlobals = { setImmediate, clearImmediate, global: globalThis };
  #peer: Peer | undefined;
  #answer: Answer | undefined;

  constructor(platform: Platform) {
    this.#getBuiltin = platform.takeBuiltins();
    this.#catchUncaught(platform);
    this.#outbound = createOutbound({
      platform,
      call: (head, body) => {
        if (this.#peer === undefined) throw new TypeError("Cannot call out: there is no connection");
        return this.#peer.call(head, body);
      },
      parent: () => this.#scopes.call?.id ?? 0,
    });
    platform.removeGlobals();
    defineGlobals({
      ...createTimers(this.#events.reportException),
      console: createConsole(this.#scopes.write),
      fetch: this.#outbound.fetch,
      ...createCaches(this.#outbound),
      navigator: Object.freeze({ userAgent: "Nebula", platform: "Linux", language: "en", hardwareConcurrency: 1 }),
    });
  }

  /** Notes and calls go to this peer from now on. */
  connect(peer: Peer): void {
    this.#peer = peer;
    this.#scopes.send = (stream, note) => peer.note(stream, note);
  }

  /** Answers a call of the host. */
  readonly onCall = async (call: IncomingCall): Promise<OutgoingAnswer> => {
    const head = fromHost(call.head);
    if (head.op === "fetch" && this.#answer !== undefined) return await this.#answer(call, head);
    if (head.op === "load") {
      this.#scopes.limitLog(head.logBytes);
      this.#answer = await this.evaluate(head, cutFiles(head, await readBody(call.takeBody())));
    }
    return { head: {}, body: null };
  };

  /** Evaluates a function; what it gives answers its requests. Rejects with whatever its top level throws. */
  async evaluate(head: LoadHead, files: ReadonlyMap<string, Uint8Array>): Promise<Answer> {
    const env = createEnv(head.bindings, this.#outbound);
    const deno = createDenoStyle(toTextVars(head.bindings));
    if (head.style === "deno") defineGlobals({ Deno: deno.namespace });
    if (head.style === "listener") defineGlobals(env);
    const exports = await evaluateEntry({ head, files, findBuiltin: this.#createBuiltins(head, env) });
    const entrypoints = this.#findEntrypoints(head, { exports, deno });
    return async (call, fetchHead) => {
      const { entrypoint, props, isRpc } = fetchHead.target ?? {};
      const around = { env, ctx: this.#createContext(call, props) };
      if (isRpc) {
        const asked = await readAll(call.takeBody(), RPC_LIMIT_BYTES);
        const body = await this.#scopes.run(call, entrypoints.call, asked, around, entrypoint);
        return { head: { status: RPC_STATUS.returned, headers: [] }, body };
      }
      const request = toRequest(fetchHead, { body: call.takeBody(), signal: () => call.signal });
      const response = await this.#scopes.run(call, entrypoints.fetch, request, around, entrypoint);
      return fromResponse(response, { method: fetchHead.method, bodies: this.#bodies });
    };
  }

  /** An error that nobody caught is the function's affair: its listeners learn of it, its log keeps it, it goes on. */
  #catchUncaught(platform: Platform): void {
    const rejected = new WeakMap<Promise<unknown>, unknown>();
    platform.catchUncaught({
      onException: this.#events.reportException,
      onRejection: (reason, promise) => {
        rejected.set(promise, reason);
        const event = new PromiseRejectionEvent("unhandledrejection", { promise, reason, cancelable: true });
        if (this.#events.dispatch(event)) this.#scopes.report(reason);
      },
      onRejectionHandled: (promise) => {
        const reason = rejected.get(promise);
        this.#events.dispatch(new PromiseRejectionEvent("rejectionhandled", { promise, reason }));
      },
    });
  }

  /** The modules that are no files: those of nodejs_compat, where the function has it, and `cloudflare:workers`. */
  #createBuiltins(head: LoadHead, env: Env): (name: string) => Exports | undefined {
    const isCompat = hasNodejsCompat(head.compatibility);
    const nodeProcess = this.#createProcess(toTextVars(head.bindings));
    if (isCompat) defineGlobals({ ...this.#compatGlobals, process: nodeProcess });
    const diagnostics = isCompat ? { diagnostics_channel: createDiagnostics() } : {};
    const substitutes = { process: nodeProcess, console, ...diagnostics };
    const compat = createCompat(this.#getBuiltin, { compatibility: head.compatibility, substitutes });
    const waitUntil = (work: unknown) => this.#createContext(this.#scopes.call).waitUntil(work);
    const workers: Exports = { env, WorkerEntrypoint, RpcTarget, waitUntil };
    return (name) => (name === "cloudflare:workers" ? workers : compat(name));
  }

  #findEntrypoints(
    { style }: LoadHead,
    { exports, deno }: { exports: Record<string, unknown>; deno: DenoStyle },
  ): Entrypoints<Request> {
    if (style === "module") return findEntrypoints(exports);
    return toEntrypoints(style === "deno" ? deno.takeHandler() : toListenerHandler(this.#events));
  }

  #createContext(call: CallScope | undefined, props: ExecutionContext["props"] = {}): ExecutionContext {
    return {
      waitUntil: (work) => {
        const promise = Promise.resolve(work);
        call?.hold(promise);
        promise.catch(this.#scopes.report);
      },
      passThroughOnException: () => {},
      props,
    };
  }
}

/** The border with the host, whose words are trusted. */
function fromHost(head: unknown): Head {
  return head as Head;
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
