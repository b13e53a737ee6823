/**
 * The choices that a mixed load does not come by, each with forms as it says.
 */

import { describe, expect, test } from "vitest";
import { type ChoiceOptions, choose } from "../../../../src/engine/chain/choose.ts";
import { Latencies } from "../../../../src/engine/chain/latencies.ts";
import type { ReadyForm } from "../../../../src/engine/chain/live-form.ts";
import type { EngineName } from "../../../../src/model/function.ts";
import { createFakeClock } from "../../../support/fake-clock.ts";

const TOPIC = { request: 7, path: 3 };

/** What a form is, as far as a choice looks at it. */
interface Look {
  readonly engine: EngineName;
  readonly isWarm?: boolean;
  readonly frozen?: number;
  readonly thawMs?: number;
  /** Of this request. */
  readonly takesMs?: number;
  /** Of the function. */
  readonly roughlyMs?: number;
}

function toOptions(looks: readonly Look[], change: Partial<ChoiceOptions>): ChoiceOptions {
  const latencies = new Latencies(createFakeClock());
  const forms = looks.map(({ engine, isWarm = false, frozen = 0, thawMs, takesMs, roughlyMs }, place) => {
    if (roughlyMs !== undefined) latencies.record(place, { request: 100 + place, path: 200 }, roughlyMs);
    if (takesMs !== undefined) latencies.record(place, TOPIC, takesMs);
    return { engine, place, pool: { isWarm, status: { frozen } }, starts: { thaw: { median: thawMs } } };
  });
  const asForms = forms as unknown as [ReadyForm, ...ReadyForm[]];
  return { strategy: "fastest", forms: asForms, latencies, topic: TOPIC, mayMeasure: false, chance: 1, ...change };
}

function chosen(looks: readonly Look[], change: Partial<ChoiceOptions>) {
  const { form, word, toWarm } = choose(toOptions(looks, change));
  return { engine: form.engine, word, toWarm: toWarm?.engine };
}

describe("ordered", () => {
  test("is the first, whatever is known of the others", () => {
    const looks: Look[] = [
      { engine: "wasi", takesMs: 100 },
      { engine: "container", isWarm: true, takesMs: 1 },
    ];
    expect(chosen(looks, { strategy: "ordered" }).engine).toBe("wasi");
  });
});

describe("cold-race", () => {
  const strategy = "cold-race";

  test("without a container is the first of the list", () => {
    expect(chosen([{ engine: "isolate" }, { engine: "wasi" }], { strategy }).engine).toBe("isolate");
  });

  test("a request that nobody knows is answered at once, and the container started beside it", () => {
    const cold: Look[] = [{ engine: "container" }, { engine: "wasi" }];
    expect(chosen(cold, { strategy })).toEqual({ engine: "wasi", word: "starting", toWarm: "container" });
  });

  test("a light request starts no container", () => {
    const looks: Look[] = [{ engine: "wasi", takesMs: 0.2 }, { engine: "container" }];
    expect(chosen(looks, { strategy })).toEqual({ engine: "wasi", word: "slower", toWarm: undefined });
  });

  test("a heavy one does, and goes there as soon as it is up", () => {
    const wasi: Look = { engine: "wasi", takesMs: 300 };
    expect(chosen([wasi, { engine: "container" }], { strategy })).toMatchObject({
      engine: "wasi",
      toWarm: "container",
    });
    expect(chosen([wasi, { engine: "container", isWarm: true }], { strategy })).toMatchObject({ engine: "container" });
  });

  test("a heavy one waits for a thaw that is worth it", () => {
    const frozen: Look = { engine: "container", frozen: 1, thawMs: 10, takesMs: 50 };
    expect(chosen([{ engine: "wasi", takesMs: 61 }, frozen], { strategy })).toMatchObject({ engine: "container" });
    expect(chosen([{ engine: "wasi", takesMs: 59 }, frozen], { strategy })).toMatchObject({
      engine: "wasi",
      toWarm: "container",
    });
  });

  test("a light one is tried in a container that is up, and goes there if that is faster", () => {
    const light = (there: Partial<Look>): Look[] => [
      { engine: "wasi", isWarm: true, takesMs: 0.5 },
      { engine: "container", isWarm: true, ...there },
    ];
    expect(chosen(light({}), { strategy })).toMatchObject({ engine: "wasi" });
    expect(chosen(light({}), { strategy, mayMeasure: true })).toMatchObject({
      engine: "container",
      word: "being compared",
    });
    expect(chosen(light({ takesMs: 0.4 }), { strategy })).toMatchObject({ engine: "container", word: "slower" });
    expect(chosen(light({ takesMs: 0.6 }), { strategy })).toMatchObject({ engine: "wasi" });
  });

  test("one that is known to take longer in the container stays where it is, however heavy", () => {
    const looks: Look[] = [
      { engine: "wasi", isWarm: true, takesMs: 300 },
      { engine: "container", isWarm: true, takesMs: 310 },
    ];
    expect(chosen(looks, { strategy }).engine).toBe("wasi");
  });
});

describe("fastest", () => {
  test("with nothing up is the first of the list, which has to start anyway", () => {
    expect(chosen([{ engine: "container" }, { engine: "wasi" }], {}).engine).toBe("container");
  });

  test("is the one that takes least", () => {
    const looks: Look[] = [
      { engine: "wasi", isWarm: true, takesMs: 9 },
      { engine: "container", isWarm: true, takesMs: 8 },
      { engine: "isolate", isWarm: true, takesMs: 10 },
    ];
    expect(chosen(looks, {})).toEqual({ engine: "container", word: "slower", toWarm: undefined });
  });

  test("starts beside the request what may be faster, and does not wait for it", () => {
    const looks: Look[] = [{ engine: "wasi", isWarm: true, takesMs: 9 }, { engine: "isolate" }];
    expect(chosen(looks, { mayMeasure: true })).toEqual({ engine: "wasi", word: "starting", toWarm: "isolate" });
  });

  test("does not start again what is known to take longer", () => {
    const looks: Look[] = [
      { engine: "wasi", isWarm: true, takesMs: 9 },
      { engine: "isolate", takesMs: 10 },
    ];
    expect(chosen(looks, { mayMeasure: true, chance: 0 })).toMatchObject({ engine: "wasi", toWarm: undefined });
  });

  test("waits for a thaw that is worth it", () => {
    const wasi: Look = { engine: "wasi", isWarm: true, takesMs: 100 };
    const frozen: Look = { engine: "container", frozen: 1, thawMs: 10, takesMs: 50 };
    expect(chosen([wasi, frozen], {})).toMatchObject({ engine: "container" });
    expect(chosen([wasi, { ...frozen, takesMs: 95 }], {})).toMatchObject({ engine: "wasi", toWarm: "container" });
  });

  test("asks one that is hardly known only with a request that may be spent on it", () => {
    const looks: Look[] = [
      { engine: "wasi", isWarm: true, takesMs: 100 },
      { engine: "container", isWarm: true, roughlyMs: 2 },
    ];
    expect(chosen(looks, { mayMeasure: true })).toMatchObject({ engine: "container", word: "being compared" });
    expect(chosen(looks, { mayMeasure: false })).toMatchObject({ engine: "wasi" });
  });

  test("looks at each of the slower ones again by chance", () => {
    const looks: Look[] = [
      { engine: "wasi", isWarm: true, takesMs: 1 },
      { engine: "container", isWarm: true, takesMs: 2 },
      { engine: "isolate", isWarm: true, takesMs: 3 },
    ];
    const mayMeasure = true;
    expect(chosen(looks, { mayMeasure, chance: 0 })).toMatchObject({ engine: "container", word: "being compared" });
    expect(chosen(looks, { mayMeasure, chance: 0.9 / 256 })).toMatchObject({ engine: "isolate" });
    expect(chosen(looks, { mayMeasure, chance: 1 / 256 })).toMatchObject({ engine: "wasi" });
    expect(chosen(looks, { mayMeasure: false, chance: 0 })).toMatchObject({ engine: "wasi" });
  });
});
