/**
 * A function in Wasm, from its build to its answer.
 *
 *     build     install the global scope ─▶ run the module's top level ─▶ find its handler ─▶ (snapshot)
 *     request   connect the host ─▶ answer ─▶ run the event loop until all is done
 *
 * Everything up to the snapshot happens once, on the machine that builds; each request then begins from there.
 */

import "./install-encoding.ts";
import { createCaches } from "../../../env/caches.ts";
import { type Entrypoints, type ExecutionContext, WorkerEntrypoint } from "../../../env/entrypoints.ts";
import { RpcTarget } from "../../../env/rpc.ts";
import { Clock, createDate, createPerformance } from "./clock.ts";
import { createConsole, type Level } from "./console.ts";
import { createCrypto, Randomness } from "./crypto.ts";
import { encodeText } from "./encoding.ts";
import { Environment } from "./env.ts";
import { describeError, describeShortly, type ProgramLines, programLines } from "./errors.ts";
import { EventLoop } from "./event-loop.ts";
import { createFetch } from "./fetch.ts";
import { createGlobalEvents } from "./global-events.ts";
import { createTimers, installGlobals } from "./globals.ts";
import { Handlers } from "./handlers.ts";
import type { Host, IncomingRequest, ResponseOutparam } from "./host.ts";
import { jobs, rejections } from "./install-promise.ts";
import { Printed } from "./printed.ts";
import type { NebulaRequest } from "./request.ts";
import { scrub } from "./scrub.ts";
import { answerRequest } from "./serve.ts";

/** In front of the error of a top level that failed, as JSON. The build looks for it. */
export const FAILED = "nebula-top-level-failed ";
/** What one write to standard error may hold. */
const WRITE_BYTES = 4_096;

/** The module of the function: what it exports, once its top level has run. */
export interface Program {
  readonly style: string;
  /** Where it stands in the script. */
  readonly lines: ProgramLines;
  evaluate(workers: object): Promise<Readonly<Record<string, unknown>>>;
}

/**
 * Runs the top level, and gives what the component exports.
 * @throws {TypeError} with FAILED in front when the top level fails, never ends, or leaves no handler.
 */
export function start(host: Host, program: Program) {
  programLines.now = program.lines;
  const world = new World(host);
  try {
    world.evaluate(program);
  } catch (thrown) {
    const { name, message, stack } = describeError(thrown);
    throw new TypeError(FAILED + JSON.stringify({ name, message, stack, printed: world.printed.text }));
  }
  return { handle: (request: IncomingRequest, out: ResponseOutparam) => world.answer(request, out) };
}

/** All that a function has. */
class World {
  readonly #host: Host;
  /** The engine's own garbage collection, which functions do not see. */
  readonly #collect: unknown = Reflect.get(Object(Reflect.get(globalThis, "__cqjs")), "runGc");
  readonly #handlers = new Handlers();
  readonly #clock = new Clock();
  readonly #randomness = new Randomness();
  readonly #events = createGlobalEvents(this.#handlers, (text) => this.#print("e", text));
  readonly #loop = new EventLoop(jobs, () => {
    for (const [promise, reason] of rejections.take()) this.#events.reportRejection(promise, reason);
  });
  readonly #environment = new Environment(() => this.#io());
  /** What the top level prints. */
  readonly printed = new Printed();
  #entrypoints: Entrypoints<NebulaRequest> | undefined;
  /** Of the request that is being answered. */
  #ctx: ExecutionContext | undefined;
  #isListener = false;
  #isAnswering = false;

  constructor(host: Host) {
    this.#host = host;
    const { report, globals } = this.#events;
    installGlobals({
      ...globals,
      ...createTimers(this.#loop, { queue: (job) => jobs.push(job), report }),
      console: createConsole((level, text) => this.#print(level, text), this.#clock.elapsedMs),
      crypto: createCrypto(this.#randomness),
      performance: createPerformance(this.#clock),
      fetch: createFetch(() => this.#io()),
      ...createCaches(this.#environment.parts),
      Date: createDate(this.#clock),
    });
    Object.defineProperty(Math, "random", { value: this.#randomness.number, writable: true, configurable: true });
  }

  evaluate({ style, evaluate }: Program): void {
    if (style === "deno") {
      const value = this.#handlers.createDeno(() => this.#environment.texts);
      Object.defineProperty(globalThis, "Deno", { value, writable: true, configurable: true });
    }
    let outcome: { exports: Readonly<Record<string, unknown>> } | { error: unknown } | undefined;
    const waitUntil = (work: unknown) => this.#waitUntil(work);
    evaluate({ env: this.#environment.imported, WorkerEntrypoint, RpcTarget, waitUntil }).then(
      (exports) => {
        outcome = { exports };
      },
      (error: unknown) => {
        outcome = { error };
      },
    );
    this.#loop.run(() => outcome !== undefined);
    const ended = outcome;
    if (ended === undefined) throw new TypeError("its top level waits for what never comes");
    if ("error" in ended) throw ended.error;
    this.#entrypoints = this.#handlers.find(style, ended.exports);
    this.#isListener = style === "listener";
    scrub(this.#collect);
    this.printed.keep();
  }

  answer(request: IncomingRequest, out: ResponseOutparam): void {
    const host = this.#host;
    const entrypoints = this.#entrypoints;
    if (entrypoints === undefined) return;
    for (const each of [this.#loop, this.#clock, this.#randomness, this.#environment]) each.connect(host);
    this.#isAnswering = true;
    const { now: env, target } = this.#environment;
    if (this.#isListener) for (const [name, value] of Object.entries(env)) Reflect.set(globalThis, name, value);
    let isOver = false;
    const { report } = this.#events;
    const fail = (error: unknown) => this.#write(encodeText(`\u001ft${describeShortly(error)}`));
    const onContext = (ctx: ExecutionContext) => {
      this.#ctx = ctx;
    };
    const by = { host, loop: this.#loop, entrypoints, env, target, report, fail, onContext };
    void answerRequest(request, out, by).then(() => {
      isOver = true;
    });
    this.#loop.run(() => isOver);
    this.#isAnswering = false;
  }

  #io(): { host: Host; loop: EventLoop } | undefined {
    return this.#isAnswering ? { host: this.#host, loop: this.#loop } : undefined;
  }

  #waitUntil(work: unknown): void {
    if (this.#ctx === undefined) throw new TypeError("Cannot wait until work is done: no request is being answered");
    this.#ctx.waitUntil(work);
  }

  /** What the top level prints is for whoever builds: it runs once, for all requests. */
  #print(level: Level, text: string): void {
    if (!this.#isAnswering) this.printed.add(text);
    else this.#write(encodeText(`\u001f${level}${text.replaceAll("\n", "\u001e")}\n`));
  }

  #write(bytes: Uint8Array): void {
    const stderr = this.#host.stderr.getStderr();
    for (let at = 0; at < bytes.length; at += WRITE_BYTES)
      stderr.blockingWriteAndFlush(bytes.slice(at, at + WRITE_BYTES));
    stderr[Symbol.dispose]();
  }
}
