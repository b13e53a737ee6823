/**
 * Whatever fails, and in whatever order: what may not be made twice is not, and what may be is answered as long as
 * one form can. Chance has a seed.
 */

import { expect, test } from "vitest";
import { type ErrorCode, NebulaError } from "../../../../src/model/errors.ts";
import { type EngineName, STRATEGIES } from "../../../../src/model/function.ts";
import { type AskChange, createFakeEngine, openTestChain, toAsk } from "../../../support/fake-chain.ts";
import { createFakeClock } from "../../../support/fake-clock.ts";
import { createFakePrepared } from "../../../support/fake-pool.ts";

const ENGINES: readonly EngineName[] = ["wasi", "container", "isolate"];
const FORM_FAILURES: readonly ErrorCode[] = ["NEBULA_GUEST_EXITED", "NEBULA_PROTOCOL_BROKEN", "NEBULA_START_FAILED"];
const OTHER_FAILURES: readonly ErrorCode[] = ["NEBULA_GUEST_THREW", "NEBULA_WALL_LIMIT", "NEBULA_OVERLOADED"];
const REQUESTS: readonly AskChange[] = [
  { method: "GET" },
  { method: "HEAD" },
  { method: "POST", body: new Uint8Array(4) },
  { method: "DELETE" },
];

/** A small generator with a seed (a linear congruence). */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const pick = <T>(all: readonly T[], random: () => number): T => all[Math.floor(random() * all.length)] as T;

test.each(STRATEGIES)(
  "%s: no request is made twice that may not be, and none is lost that may be",
  async (strategy) => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const random = createRandom(seed);
      const clock = createFakeClock();
      /** By method and number of the request: the forms whose instances have had it. */
      const had = new Map<unknown, EngineName[]>();
      const whole = pick(ENGINES, random);
      const engines = Object.fromEntries(
        ENGINES.map((name) => {
          const prepared = createFakePrepared({
            startsAtOnce: true,
            fetch: async (call) => {
              had.set(call, [...(had.get(call) ?? []), name]);
              clock.pass(random() * 5);
              if (name !== whole && random() < 0.6) throw new NebulaError(pick(FORM_FAILURES, random), "by chance");
              if (random() < 0.1) throw new NebulaError(pick(OTHER_FAILURES, random), "by chance");
              return { head: { status: 200, headers: [] }, body: null };
            },
          });
          return [name, createFakeEngine(prepared)];
        }),
      );
      const chain = await openTestChain({ engines, clock, random, settings: { strategy } });
      const asks = Array.from({ length: 200 }, () => toAsk(pick(REQUESTS, random)));
      for (const batch of Array.from({ length: 40 }, (_, i) => asks.slice(5 * i, 5 * i + 5))) {
        const failures = await Promise.all(
          batch.map((ask) =>
            chain.fetch(ask).then(
              () => undefined,
              (thrown: NebulaError) => thrown.code,
            ),
          ),
        );
        clock.pass(random() * 2_000);
        for (const [i, { call, trace }] of batch.entries()) {
          const forms = had.get(call) ?? [];
          const failure = failures[i];
          expect(new Set(forms).size).toBe(forms.length);
          expect(trace.engine).toBe(forms.at(-1));
          const isSafe = call.head.method === "GET" || call.head.method === "HEAD";
          if (isSafe && failure !== undefined) expect(OTHER_FAILURES).toContain(failure);
          // Only what said that it had not begun may have been asked before.
          if (!isSafe && trace.fallback?.includes("NEBULA_")) expect(trace.fallback).not.toMatch(/EXITED|BROKEN/);
        }
      }
      await chain[Symbol.asyncDispose]();
      expect(clock.waiting).toBe(0);
    }
  },
);
