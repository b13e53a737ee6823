/**
 * The forms of one function over their life: prepared, left out when that fails, tried again when it may pass, ended.
 */

import type { Form } from "../../model/deployment.ts";
import { NebulaError } from "../../model/errors.ts";
import { DEFAULT_CHAIN } from "../../model/function.ts";
import { mayAnswer } from "../../model/isolation.ts";
import type { PrepareOptions } from "../engine.ts";
import { isReady, LiveForm, type ReadyForm } from "./live-form.ts";
import { mayPass, type PrepareParts, prepareForm } from "./prepare-form.ts";

/** What forms are made with. */
export interface FormsParts extends PrepareParts {
  /** From 0 to 1. */
  random(): number;
}

/** Between attempts to prepare what lacked something of outside. */
const RETRY_MS = { first: 1_000, last: 60_000 };

/** All forms of one function. */
export class LiveForms implements AsyncDisposable {
  /** Also those that cannot answer, in the order wanted. */
  readonly all: readonly LiveForm[];
  readonly #parts: FormsParts;
  readonly #built: readonly Form[];
  readonly #closing = new AbortController();
  readonly #retries = new Set<Disposable>();
  readonly #pending = new Set<Promise<void>>();
  #ready: readonly ReadyForm[] = [];
  #only: ReadyForm | undefined;

  constructor(parts: FormsParts) {
    const { spec, forms } = parts.deployment;
    this.#parts = parts;
    this.#built = forms;
    this.all = forms.map((form, place) => new LiveForm(form, { place, clock: parts.clock, random: parts.random }));
    const { weaker } = spec.chain ?? DEFAULT_CHAIN;
    const engines = forms.map(({ engine }) => engine);
    for (const form of this.all) form.isBarred = !mayAnswer(form.engine, { engines, weaker });
  }

  /** Those that can be asked; replaced whole. */
  get ready(): readonly ReadyForm[] {
    return this.#ready;
  }

  /** The form of a function that has one, once it can be asked. */
  get only(): ReadyForm | undefined {
    return this.#only;
  }

  /**
   * Prepares all forms at once. A function that was here before need not wait for all of them: it answers as soon as
   * one is ready, and the others join.
   *
   * @throws {NebulaError} what the first of them fails with, when none can be prepared.
   */
  async prepare({ signal, isProven }: Pick<PrepareOptions, "signal" | "isProven">): Promise<void> {
    const wanted = this.all.filter((form) => !form.isBarred);
    // Which of several had failed when they were deployed is not known any more: they have to show it again.
    const options = {
      signal: AbortSignal.any([signal, this.#closing.signal]),
      isProven: isProven && wanted.length === 1,
    };
    const ready = Promise.withResolvers<void>();
    const preparing = wanted.map(async (form) => {
      await this.#prepareOne(form, options);
      if (isReady(form)) ready.resolve();
    });
    const all = Promise.all(preparing);
    await (isProven ? Promise.race([all, ready.promise]) : all);
    const isHopeful = isProven && wanted.some(({ failure }) => failure !== undefined && mayPass(failure));
    if (this.#ready.length === 0 && !isHopeful) throw this.#nothingReady(wanted[0]?.failure);
    const settled = this.#follow(all.then(() => this.#leaveOut(wanted)));
    if (!isProven) await settled;
  }

  /** The forms that cannot answer, each with the reason; whoever built them knows of those that were not. */
  listLeftOut(): string[] {
    return this.all.flatMap(({ engine, failure, isBarred }) => {
      if (isBarred)
        return [`"${engine}" may not take over, because it isolates less: allow_weaker would have to name it`];
      const isKnown = failure === undefined || failure.code === "NEBULA_BUILD_FAILED";
      return isKnown ? [] : [`"${engine}" is left out: ${failure.message}`];
    });
  }

  /** Why nothing answers: the node came back before what the function needs. */
  explainNone(): NebulaError {
    const { name } = this.#parts.deployment.spec;
    const cause = this.all.find(({ failure }) => failure !== undefined)?.failure;
    const why = cause === undefined ? "it has no form that runs here" : cause.message;
    return new NebulaError("NEBULA_START_FAILED", `Cannot start "${name}": ${why}`, {
      details: { function: name },
      cause,
    });
  }

  /** Fulfils when nobody waits, nothing is in flight and every instance of every form is gone. */
  async drain(): Promise<void> {
    await this.#stopRetrying();
    await Promise.all(this.all.map(({ pool }) => pool?.drain()));
  }

  /** Ends every instance now, whatever it is doing. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stopRetrying();
    await Promise.all(this.all.map(({ pool }) => pool?.[Symbol.asyncDispose]()));
  }

  async #prepareOne(form: LiveForm, options: Pick<PrepareOptions, "signal" | "isProven">): Promise<void> {
    const built = this.#built[form.place];
    if (built === undefined) return;
    await prepareForm(form, built, { parts: this.#parts, ...options });
    this.#ready = this.all.filter(isReady);
    this.#only = this.all.length === 1 ? this.#ready[0] : undefined;
  }

  #leaveOut(forms: readonly LiveForm[]): void {
    const { log, deployment } = this.#parts;
    const { name } = deployment.spec;
    for (const form of forms) {
      const { engine, failure } = form;
      if (failure === undefined || this.#closing.signal.aborted) continue;
      log.write("warn", "form left out", { function: name, engine, code: failure.code, reason: failure.message });
      if (mayPass(failure)) this.#retryLater(form, RETRY_MS.first);
    }
  }

  /** Work that the end has to wait for. */
  #follow(work: Promise<void>): Promise<void> {
    const pending = work.finally(() => this.#pending.delete(pending));
    this.#pending.add(pending);
    return pending;
  }

  /** Tries again to prepare a form, until it works or turns out to be the function's own fault. */
  #retryLater(form: LiveForm, pauseMs: number): void {
    const { clock, random } = this.#parts;
    const { signal } = this.#closing;
    if (signal.aborted) return;
    const timer = clock.after(pauseMs * (1 - random() / 4), () => {
      this.#retries.delete(timer);
      void this.#follow(this.#retry(form, pauseMs));
    });
    this.#retries.add(timer);
  }

  async #retry(form: LiveForm, pauseMs: number): Promise<void> {
    const { log, deployment } = this.#parts;
    const { signal } = this.#closing;
    await this.#prepareOne(form, { signal, isProven: false });
    if (form.failure === undefined) {
      log.write("info", "form joins", { function: deployment.spec.name, engine: form.engine });
    } else if (mayPass(form.failure)) {
      this.#retryLater(form, Math.min(RETRY_MS.last, 2 * pauseMs));
    }
  }

  async #stopRetrying(): Promise<void> {
    this.#closing.abort();
    for (const timer of this.#retries) timer[Symbol.dispose]();
    await Promise.all(this.#pending);
  }

  #nothingReady(first: NebulaError | undefined): NebulaError {
    const barred = this.all.filter(({ isBarred }) => isBarred).map(({ engine }) => `"${engine}"`);
    const isOwn = first !== undefined && first.code !== "NEBULA_BUILD_FAILED";
    if (isOwn && barred.length === 0) return first;
    const { name } = this.#parts.deployment.spec;
    const why = first?.message ?? `Cannot prepare "${name}": it has no form`;
    const names = barred.join(", ");
    return new NebulaError(
      isOwn ? first.code : "NEBULA_PREPARE_FAILED",
      barred.length === 0 ? why : `${why}; ${names} may not take over, because it isolates less`,
      {
        hint:
          barred.length === 0
            ? undefined
            : `set allow_weaker = [${names}] under [nebula] if that is good enough for this function`,
        details: first?.details ?? {},
        cause: first?.cause,
      },
    );
  }
}
