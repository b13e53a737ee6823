import { expect, it } from "vitest";
import { askText, noCapabilities } from "../support/capabilities.ts";
import { openWasiLab } from "../support/wasi-lab.ts";
import { saying } from "../support/wasi-programs.ts";
import { type Fate, makeModule, readSeeds, tryModule } from "./fuzzer.ts";

const MODULES = 10_000;
/** Tried at once: more than there are processes for them. */
const AT_ONCE = 6;

it(`${MODULES} programs by chance: none hangs, none harms the node or its neighbour`, {
  timeout: 120_000,
}, async () => {
  await using lab = await openWasiLab();
  const { signal } = new AbortController();
  const deployment = lab.deploy({ wasm: saying("here"), name: "neighbour", limits: { wallMs: 20_000 } });
  const prepared = await lab.engine.prepare(deployment, { signal, capabilities: noCapabilities, isProven: true });
  const neighbour = await prepared.start({ signal });
  const real = readSeeds();
  const fates = new Map<Fate, number>();
  const seeds = Array.from({ length: MODULES }, (_, seed) => seed).values();
  const work = async () => {
    for (const seed of seeds) {
      const fate = await tryModule(seed, makeModule(seed, real), lab);
      fates.set(fate, (fates.get(fate) ?? 0) + 1);
      if (seed % 250 === 0) expect(await askText(neighbour)).toBe("here");
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  expect(await askText(neighbour)).toBe("here");
  // Chance has to reach every stage, or it shows nothing.
  for (const fate of ["refused", "unfit", "answered", "NEBULA_GUEST_TRAPPED", "NEBULA_EXIT_CODE"] as const) {
    expect([fate, (fates.get(fate) ?? 0) > MODULES / 500]).toEqual([fate, true]);
  }
});
