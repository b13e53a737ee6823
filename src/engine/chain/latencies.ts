/**
 * How long requests take on each form of a function, by what is asked for.
 *
 *     GET /fib?n=40, no body   ─▶  that request     as measured before
 *                                  similar ones     what it takes elsewhere, and how requests that take as long there compare
 *                                  its path         where neither is known
 *                                  the function     where the path is not known either
 *
 * Geometric means over the last ones, which are near what is usual however long the longest take: the newest counts more
 * the longer nothing was measured, a single one that is far from the others counts little, and what is old is forgotten.
 */

import type { Call } from "../../model/exchange.ts";
import { findHeader } from "../../model/exchange.ts";
import type { Clock } from "../../model/ports.ts";

/** What is asked for, in the order from exact to rough. */
export interface Topic {
  readonly request: number;
  readonly path: number;
}

/** How well an expectation fits, best first: measured or inferred for this request, of its path, of the function. */
export const LEVELS = ["request", "path", "function"] as const;
/** One of them. */
export type Level = (typeof LEVELS)[number];

/** What a request is expected to take. */
export interface Expectation {
  readonly ms: number;
  readonly level: Level;
}

interface Estimate {
  /** Or how many times as long, for ratios. */
  ms: number;
  count: number;
  atMs: number;
}

/** Requests and paths that are remembered of one function. */
const MAX_TOPICS = 1_024;
/** A measurement counts for a sixteenth at least. */
const LEAST_WEIGHT = 1 / 16;
/** No clock tells less apart. */
const LEAST_MS = 0.001;
/** After so long without one, the next counts for two thirds. */
const SETTLES_MS = 60_000;
/** Not measured for so long, it is as if never. */
const FORGOTTEN_MS = 600_000;
/** One that is further away than this counts as if it were not. */
const OUTLIER_RATIO = 4;
/** So that the least of long ago does not count for ever. */
const LEAST_GROWS = 1.001;
/** The topic that all requests have in common; no hash has it. */
const FUNCTION_TOPIC = -1;

/** What was measured of one function. */
export class Latencies {
  readonly #clock: Clock;
  /** By topic, the least recently measured first; in each, by form. */
  readonly #topics = new Map<number, (Estimate | undefined)[]>();
  /** How much longer requests of one form take on another, by `toPair`. */
  readonly #ratios = new Map<number, Estimate>();
  /** By form: about the least that was measured. */
  readonly #least: number[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes note of how long a request took on a form, which is named by its place in the list. */
  record(form: number, { request, path }: Topic, measuredMs: number): void {
    const ms = Math.max(measuredMs, LEAST_MS);
    this.#learnRatios(request, form, ms);
    this.#learn(request, form, ms);
    this.#learn(path, form, ms);
    this.#learn(FUNCTION_TOPIC, form, ms);
    this.#least[form] = Math.min(ms, (this.#least[form] ?? ms) * LEAST_GROWS);
  }

  /** What a request takes there that has nothing to do; undefined when nothing was measured. */
  findLeastMs(form: number): number | undefined {
    return this.#least[form];
  }

  /** What such a request is expected to take there; undefined when nothing was measured. */
  find(form: number, { request, path }: Topic): Expectation | undefined {
    const exact = this.#read(request, form) ?? this.#infer(request, form);
    if (exact !== undefined) return { ms: exact, level: "request" };
    const near = this.#read(path, form);
    if (near !== undefined) return { ms: near, level: "path" };
    const rough = this.#read(FUNCTION_TOPIC, form);
    return rough === undefined ? undefined : { ms: rough, level: "function" };
  }

  #read(topic: number, form: number): number | undefined {
    const estimate = this.#topics.get(topic)?.[form];
    return estimate !== undefined && this.#isFresh(estimate) ? estimate.ms : undefined;
  }

  /** From what the request takes elsewhere. */
  #infer(request: number, form: number): number | undefined {
    const estimates = this.#topics.get(request) ?? [];
    for (const other of estimates.keys()) {
      const ms = this.#read(request, other);
      const ratio = ms === undefined ? undefined : this.#ratios.get(toPair(other, form, ms));
      if (ms !== undefined && ratio !== undefined && this.#isFresh(ratio)) return ms * ratio.ms;
    }
    return undefined;
  }

  #learnRatios(request: number, form: number, ms: number): void {
    for (const other of this.#topics.get(request)?.keys() ?? []) {
      const elsewhereMs = other === form ? undefined : this.#read(request, other);
      if (elsewhereMs === undefined) continue;
      const nowMs = this.#clock.nowMs();
      const pair = toPair(other, form, elsewhereMs);
      const known = this.#ratios.get(pair);
      if (known !== undefined && this.#isFresh(known)) update(known, ms / elsewhereMs, nowMs);
      else this.#ratios.set(pair, { ms: ms / elsewhereMs, count: 1, atMs: nowMs });
    }
  }

  #isFresh({ atMs }: Estimate): boolean {
    return this.#clock.nowMs() - atMs <= FORGOTTEN_MS;
  }

  #learn(topic: number, form: number, ms: number): void {
    const estimates = this.#topics.get(topic) ?? [];
    this.#topics.delete(topic);
    this.#topics.set(topic, estimates);
    const nowMs = this.#clock.nowMs();
    const known = estimates[form];
    if (known !== undefined && this.#isFresh(known)) update(known, ms, nowMs);
    else estimates[form] = { ms, count: 1, atMs: nowMs };
    if (this.#topics.size > MAX_TOPICS) this.#forgetOne();
  }

  #forgetOne(): void {
    for (const topic of this.#topics.keys()) {
      if (topic === FUNCTION_TOPIC) continue;
      this.#topics.delete(topic);
      return;
    }
  }
}

/** Two forms, and how long something takes on the first of them to a power of four: what takes as long is similar. */
function toPair(from: number, to: number, ms: number): number {
  return 64 * (8 * from + to) + Math.min(63, Math.max(0, Math.round(Math.log2(ms) / 2) + 16));
}

function update(estimate: Estimate, ms: number, nowMs: number): void {
  estimate.count += 1;
  const aged = 1 - Math.exp((estimate.atMs - nowMs) / SETTLES_MS);
  const weight = Math.max(LEAST_WEIGHT, aged, 1 / estimate.count);
  const near = Math.min(Math.max(ms, estimate.ms / OUTLIER_RATIO), estimate.ms * OUTLIER_RATIO);
  estimate.ms *= (near / estimate.ms) ** weight;
  estimate.atMs = nowMs;
}

/** What a request asks for: method, path, query, and how large its body is to a power of two. */
export function toTopic({ head: { method, url, headers }, body }: Pick<Call, "head" | "body">): Topic {
  const pathAt = url.indexOf("/", url.indexOf("//") + 2);
  const queryAt = url.indexOf("?", pathAt);
  const seed = hash(method, { seed: FNV_OFFSET, from: 0, to: method.length });
  const path = hash(url, { seed, from: pathAt, to: queryAt < 0 ? url.length : queryAt });
  const bytes = body instanceof Uint8Array ? body.byteLength : Number(findHeader(headers, "content-length") ?? 0);
  const size = body === null ? 0 : 33 - Math.clz32(bytes);
  return {
    path,
    request: hash(url, { seed: path + 1 + size, from: queryAt < 0 ? url.length : queryAt, to: url.length }),
  };
}

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** FNV-1a. A number in place of a text that a client could make long; what two texts share by chance does no harm. */
function hash(text: string, { seed, from, to }: { seed: number; from: number; to: number }): number {
  let value = seed >>> 0;
  for (let at = from; at < to; at += 1) value = Math.imul(value ^ text.charCodeAt(at), FNV_PRIME);
  return value >>> 0;
}
