/**
 * The chain: the forms of one function, and which of them answers a request.
 *
 *     choose a form ─▶ an instance of its pool ─▶ fetch ─▶ answer
 *           ▲                                       │ it failed before the first byte, and another may be asked
 *           └───────────────────────────────────────┘
 *
 * A form that cannot be prepared is left out; one that only lacks something of outside is tried again beside all
 * requests. With one form there is nothing to choose, and nothing here that costs a request anything.
 */

import { type ErrorCode, type NebulaError, toNebulaError } from "../../model/errors.ts";
import type { Call } from "../../model/exchange.ts";
import { type ChainSettings, DEFAULT_CHAIN, type EngineName } from "../../model/function.ts";
import type { Trace } from "../../model/trace.ts";
import type { FetchOptions, InstanceAnswer, PrepareOptions } from "../engine.ts";
import type { Lease } from "../pool.ts";
import { Budget } from "./budget.ts";
import { type Choice, choose, type Word } from "./choose.ts";
import { Latencies, type Topic, toTopic } from "./latencies.ts";
import { isReady, type LiveForm, type ReadyForm } from "./live-form.ts";
import { type FormsParts, LiveForms } from "./live-forms.ts";
import { isFormFailure, isRepeatable, mayFallBack } from "./may-fall-back.ts";

/** One request to a function. */
export interface Ask extends FetchOptions {
  readonly call: Call;
  /** Gets what becomes known on the way. */
  readonly trace: Trace;
}

/** Why a form does not answer. */
export type Reason = ErrorCode | Word | "breaker open" | "no upgrade" | "preparing";

/** What one request has met so far. */
interface Way {
  readonly topic: Topic | undefined;
  readonly failures: Map<LiveForm, ErrorCode>;
  /** Since when the form is asked that is asked now, and what those before it have cost. */
  askedAtMs: number;
  lostMs: number;
  /** From the breaker of that form. */
  pass: number;
  isSecond: boolean;
}

/** Limits that a request has broken tell that it takes at least so long. */
const LIMITS: ReadonlySet<ErrorCode> = new Set(["NEBULA_WALL_LIMIT", "NEBULA_CPU_LIMIT"]);
/** What tells nothing of the form that was asked. */
const ELSEWHERE: ReadonlySet<ErrorCode> = new Set([
  ...LIMITS,
  "NEBULA_MEMORY_LIMIT",
  "NEBULA_OVERLOADED",
  "NEBULA_DRAINING",
  "NEBULA_CLIENT_GONE",
  "NEBULA_INTERNAL",
]);

/**
 * Prepares every form that may answer.
 * @throws {NebulaError} what the first of them fails with, when none can be prepared.
 */
export async function openChain(
  parts: FormsParts,
  options: Pick<PrepareOptions, "signal" | "isProven">,
): Promise<Chain> {
  const forms = new LiveForms(parts);
  await forms.prepare(options);
  return new Chain(forms, parts);
}

/** The forms of one function that serves. */
export class Chain implements AsyncDisposable {
  readonly settings: ChainSettings;
  readonly latencies: Latencies;
  readonly #parts: FormsParts;
  readonly #forms: LiveForms;
  readonly #budget = new Budget();

  /** Owns the forms from then on. */
  constructor(forms: LiveForms, parts: FormsParts) {
    this.#parts = parts;
    this.#forms = forms;
    this.settings = parts.deployment.spec.chain ?? DEFAULT_CHAIN;
    this.latencies = new Latencies(parts.clock);
  }

  /** All that there are to be, in the order wanted. */
  get forms(): readonly LiveForm[] {
    return this.#forms.all;
  }

  /** What would answer first now. */
  get engine(): EngineName {
    return (this.#forms.ready[0] ?? this.forms[0])?.engine ?? "isolate";
  }

  /** A request may turn into another protocol. */
  get mayUpgrade(): boolean {
    return this.#forms.ready.some((form) => form.mayUpgrade);
  }

  /** The forms that cannot answer, each with the reason; whoever built them knows of those that were not. */
  listLeftOut(): string[] {
    return this.#forms.listLeftOut();
  }

  /**
   * Answers a request with the form that the strategy chooses, or another one when that fails and the request may be
   * made again. Nothing of it has been answered when this rejects.
   *
   * @throws {NebulaError} what the form that was asked last has failed with, as its pool and its instances do.
   */
  fetch(ask: Ask): Promise<InstanceAnswer> {
    const { only } = this.#forms;
    return only === undefined ? this.#askBest(ask, this.#begin(ask.call)) : this.#ask(only, ask);
  }

  /** What would be chosen for a request now, when these have failed; nothing is started or counted. */
  peek(call: Pick<Call, "head" | "body">, failed: ReadonlySet<LiveForm> = new Set()): Choice | undefined {
    const failures = new Map([...failed].map((form) => [form, "NEBULA_START_FAILED"] as const));
    const way: Way = { ...this.#begin(call), failures };
    return this.#choose({}, way, { mayMeasure: false, chance: 1 });
  }

  /** Why a form does not answer a request for which another one was chosen. */
  findReason(form: LiveForm, word: Word | undefined): Reason {
    if (!isReady(form)) return form.failure?.code ?? "preparing";
    return form.breaker.wouldAdmit ? (word ?? "slower") : "breaker open";
  }

  /** Fulfils when nobody waits, nothing is in flight and every instance of every form is gone. */
  async drain(): Promise<void> {
    await this.#forms.drain();
  }

  /** Ends every instance now, whatever it is doing. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#forms[Symbol.asyncDispose]();
  }

  // ── requests ───────────────────────────────────────────────────────────────────────────────────────────

  #begin(call: Pick<Call, "head" | "body">): Way {
    const topic = this.settings.strategy === "ordered" ? undefined : toTopic(call);
    return { topic, failures: new Map(), askedAtMs: 0, lostMs: 0, pass: 0, isSecond: false };
  }

  /** Asks the form that is best of those that have not been asked. */
  #askBest(ask: Ask, way: Way): Promise<InstanceAnswer> {
    const { random, clock } = this.#parts;
    const isFirst = way.failures.size === 0;
    const mayMeasure = isFirst && this.#budget.tick() && this.#mayRepeat(ask.call);
    const choice = this.#choose(ask.call, way, { mayMeasure, chance: random() });
    if (choice === undefined) return Promise.reject(this.#forms.explainNone());
    const { form, word, toWarm, isMeasuring } = choice;
    ask.trace.fallback = this.#describeOthers(form, { word, way, call: ask.call });
    toWarm?.pool.warm();
    if (isMeasuring === true) this.#budget.take();
    way.pass = form.breaker.admit();
    way.askedAtMs = clock.nowMs();
    return this.#ask(form, ask, way);
  }

  #choose(
    { upgrade }: Pick<Call, "upgrade">,
    way: Way,
    how: { mayMeasure: boolean; chance: number },
  ): Choice | undefined {
    const isAble = (form: ReadyForm) =>
      !way.failures.has(form) && (upgrade === undefined || form.mayUpgrade || !this.mayUpgrade);
    const [first, ...others] = this.#forms.ready.filter((form) => isAble(form) && form.breaker.wouldAdmit);
    if (first === undefined) {
      // because one that keeps failing is better than none
      const lastHope = this.#forms.ready.find(isAble);
      return lastHope && { form: lastHope };
    }
    if (way.topic === undefined) return { form: first };
    const { latencies, settings } = this;
    return choose({ ...how, strategy: settings.strategy, forms: [first, ...others], latencies, topic: way.topic });
  }

  /** One attempt. `way` is there when there are others. */
  async #ask(form: ReadyForm, ask: Ask, way?: Way): Promise<InstanceAnswer> {
    const { call, trace } = ask;
    const { clock } = this.#parts;
    trace.engine = form.engine;
    let lease: Lease | undefined;
    let handedOverAtMs = 0;
    try {
      const acquired = form.pool.acquire(call);
      lease = acquired instanceof Promise ? await acquired : acquired;
      trace.startKind = lease.startKind;
      trace.startMs = lease.startMs;
      trace.startPhases = lease.startPhases;
      trace.queueMs = way === undefined ? lease.queueMs : lease.queueMs + way.lostMs;
      handedOverAtMs = clock.nowMs();
      const answer = await lease.instance.fetch(call, ask);
      void answer.settled.then(lease.release);
      trace.runMs = clock.nowMs() - handedOverAtMs;
      form.runs.record(trace.runMs);
      if (way !== undefined) this.#learn(form, way, { lease, runMs: trace.runMs });
      if (answer.phases !== undefined) addPhases(trace, answer.phases);
      return answer;
    } catch (thrown) {
      lease?.release();
      if (lease !== undefined) trace.runMs = clock.nowMs() - handedOverAtMs;
      return await this.#recover(thrown, { form, ask, way, wasHandedOver: lease !== undefined });
    }
  }

  #learn(form: LiveForm, { topic, pass }: Way, { lease, runMs }: { lease: Lease; runMs: number }): void {
    form.breaker.settle(pass, true);
    // The first requests of an instance tell more about its start.
    if (topic !== undefined && lease.startKind === "warm") {
      this.latencies.record(form.place, topic, lease.queueMs + runMs);
    }
  }

  /** Has the request answered elsewhere, if it may be. */
  async #recover(
    thrown: unknown,
    { form, ask, way, wasHandedOver }: { form: ReadyForm; ask: Ask; way: Way | undefined; wasHandedOver: boolean },
  ): Promise<InstanceAnswer> {
    const { call, trace } = ask;
    const error = toNebulaError(thrown);
    if (way !== undefined) this.#learnFailure(form, way, { error, runMs: trace.runMs });
    const { method } = call.head;
    const request = { method, isBodyWhole: !(call.body instanceof ReadableStream), wasHandedOver };
    if (call.signal.aborted || !mayFallBack(error, request, this.settings)) throw thrown;
    const next = way ?? this.#begin(call);
    next.lostMs += way === undefined ? trace.runMs : this.#parts.clock.nowMs() - way.askedAtMs;
    next.failures.set(form, error.code);
    const isLast = this.#choose(call, next, { mayMeasure: false, chance: 1 }) === undefined;
    if (!isLast) return await this.#askBest(ask, next);
    if (error.details.isInnocent !== true || next.isSecond) throw thrown;
    // It was another request that its instance ended for: this one has a right to an instance of its own.
    next.isSecond = true;
    next.pass = form.breaker.admit();
    trace.fallback = `${form.engine}: ${error.code}`;
    return await this.#ask(form, ask, next);
  }

  #learnFailure(form: LiveForm, { topic, pass }: Way, { error, runMs }: { error: NebulaError; runMs: number }): void {
    form.breaker.settle(pass, isFormFailure(error) ? false : ELSEWHERE.has(error.code) ? undefined : true);
    if (topic !== undefined && LIMITS.has(error.code)) this.latencies.record(form.place, topic, runMs);
  }

  #mayRepeat({ head: { method }, body }: Call): boolean {
    return isRepeatable({ method, isBodyWhole: !(body instanceof ReadableStream) }, this.settings);
  }

  /** Why those have not answered that come before the one that does, and those that were asked before. */
  #describeOthers(
    chosen: LiveForm,
    { word, way, call }: { word: Word | undefined; way: Way; call: Call },
  ): string | undefined {
    let text: string | undefined;
    for (const form of this.forms) {
      const failed = way.failures.get(form);
      if (failed === undefined && form.place >= chosen.place) continue;
      const cannotUpgrade = call.upgrade !== undefined && !form.mayUpgrade && isReady(form);
      const reason = failed ?? (cannotUpgrade ? "no upgrade" : this.findReason(form, word));
      text = text === undefined ? `${form.engine}: ${reason}` : `${text}, ${form.engine}: ${reason}`;
    }
    return text;
  }
}

/** An engine that starts an instance for each request says what of its time was that. */
function addPhases(trace: Trace, { queueMs, startMs }: { queueMs: number; startMs: number }): void {
  if (startMs > 0) trace.startKind = "cold";
  trace.startMs += startMs;
  trace.queueMs += queueMs;
  trace.runMs -= startMs + queueMs;
}
