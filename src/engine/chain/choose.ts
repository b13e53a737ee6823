/**
 * Which form of a function answers a request: one pure function for each strategy.
 *
 *     ordered     the first of the list
 *     cold-race   another one while the container starts; then the container what takes longer elsewhere, and the
 *                 faster of the two the rest
 *     fastest     whichever took least for such requests; now and then another one, to see
 *
 * Nobody waits for a start because of a comparison: what ought to be compared is started beside the request.
 */

import type { Strategy } from "../../model/function.ts";
import { type Expectation, type Latencies, LEVELS, type Topic } from "./latencies.ts";
import type { ReadyForm } from "./live-form.ts";

/** Why a form that comes first in the list does not answer: the words of the log. */
export type Word = "starting" | "slower" | "being compared";

/** What was chosen. */
export interface Choice {
  readonly form: ReadyForm;
  /** Why those do not answer that could and come before it. */
  readonly word?: Word;
  /** To be started beside the request, unless it is up. */
  readonly toWarm?: ReadyForm | undefined;
  /** It answers only so that it is measured. */
  readonly isMeasuring?: boolean;
}

/** What a choice is made from. */
export interface ChoiceOptions {
  readonly strategy: Strategy;
  /** In the order of the list, one at the least. */
  readonly forms: readonly [ReadyForm, ...ReadyForm[]];
  readonly latencies: Latencies;
  readonly topic: Topic;
  /** Of the request: another form may be tried with it. */
  readonly mayMeasure: boolean;
  /** From 0 to 1. */
  readonly chance: number;
}

/** One request of so many is given to a form that is not the fastest, to see whether it is by now. */
export const MEASURED_RATIO = 1 / 256;
/** What passing a request on to a container costs at the most; a measurement of more has work in it. */
const MAX_OVERHEAD_MS = 5;
/** A request that nobody has seen in the container goes there when it takes so much longer elsewhere than nothing does there. */
const MARGIN = 2;

/** Chooses a form. Changes nothing: what is to be started or counted is for the caller. */
export function choose(options: ChoiceOptions): Choice {
  const [first, second] = options.forms;
  if (second === undefined || options.strategy === "ordered") return { form: first };
  return options.strategy === "cold-race" ? chooseInRace(options) : chooseFastest(options);
}

function chooseInRace(options: ChoiceOptions): Choice {
  const { forms, latencies, topic } = options;
  const container = forms.find(({ engine }) => engine === "container");
  const quick = forms.find(({ engine }) => engine !== "container");
  if (container === undefined || quick === undefined) return { form: forms[0] };
  const elsewhere = latencies.find(quick.place, topic);
  if (elsewhere === undefined) {
    return { form: quick, word: container.pool.isWarm ? "being compared" : "starting", toWarm: container };
  }
  const there = latencies.find(container.place, topic);
  const overheadMs = Math.min(MAX_OVERHEAD_MS, latencies.findLeastMs(container.place) ?? MAX_OVERHEAD_MS);
  const isComparable = there !== undefined && isAsExact(there, elsewhere);
  const limitMs = isComparable ? there.ms : MARGIN * overheadMs;
  const isKnownThere = isComparable || elsewhere.ms <= limitMs;
  // What is light goes there too if that turns out to be no slower.
  if (container.pool.isWarm && isKnownThere) return chooseFastest({ ...options, forms: [quick, container] });
  if (elsewhere.ms <= limitMs) return { form: quick, word: "slower" };
  if (container.pool.isWarm || elsewhere.ms > limitMs + findThawMs(container))
    return { form: container, word: "slower" };
  return { form: quick, word: "starting", toWarm: container };
}

function chooseFastest({ forms, latencies, topic, mayMeasure, chance }: ChoiceOptions): Choice {
  const known = forms.map((form) => ({ form, expected: latencies.find(form.place, topic) }));
  const warm = known.filter(({ form }) => form.pool.isWarm);
  const [firstWarm] = warm;
  if (firstWarm === undefined) return { form: forms[0] };
  const best = findBest(warm) ?? firstWarm;
  const others = known.filter(({ form }) => form !== best.form);
  const rival = others.find(({ expected }) => isWorthATry(expected, best.expected));
  if (rival === undefined) {
    const rest = warm.filter(({ form }) => form !== best.form);
    const due = mayMeasure ? rest[Math.floor((chance / MEASURED_RATIO) * rest.length)] : undefined;
    return due === undefined ? { form: best.form, word: "slower" } : measure(due.form);
  }
  if (!rival.form.pool.isWarm) {
    const isSoon = isFaster(rival.expected, best.expected, findThawMs(rival.form));
    return isSoon ? { form: rival.form, word: "slower" } : { form: best.form, word: "starting", toWarm: rival.form };
  }
  return mayMeasure ? measure(rival.form) : { form: best.form, word: "slower" };
}

interface Known {
  readonly form: ReadyForm;
  readonly expected: Expectation | undefined;
}

function measure(form: ReadyForm): Choice {
  return { form, word: "being compared", isMeasuring: true };
}

/** The one that is expected to take least, among those of which most is known. */
function findBest(all: readonly Known[]): Known | undefined {
  const level = LEVELS.find((each) => all.some(({ expected }) => expected?.level === each));
  let best: (Known & { readonly expected: Expectation }) | undefined;
  for (const { form, expected } of all) {
    if (expected === undefined || expected.level !== level) continue;
    if (best === undefined || expected.ms < best.expected.ms) best = { form, expected };
  }
  return best;
}

/** Whether too little is known of it to say that it takes longer. */
function isWorthATry(expected: Expectation | undefined, best: Expectation | undefined): boolean {
  return expected === undefined || (best !== undefined && expected.ms < best.ms);
}

function isFaster(expected: Expectation | undefined, best: Expectation | undefined, startMs: number): boolean {
  return expected !== undefined && best !== undefined && isAsExact(expected, best) && expected.ms + startMs < best.ms;
}

function isAsExact(one: Expectation, other: Expectation): boolean {
  return LEVELS.indexOf(one.level) <= LEVELS.indexOf(other.level);
}

/** How soon it would be there, where it rests in memory. */
function findThawMs({ pool, starts }: ReadyForm): number {
  return pool.status.frozen === 0 ? Number.POSITIVE_INFINITY : (starts.thaw.median ?? Number.POSITIVE_INFINITY);
}
