/**
 * Real modules, and ten thousand that were damaged: each is refused with its reason or rewritten into one that V8 takes.
 */

import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { inspectWasm } from "../../../src/cli/inspect-wasm.ts";
import { findWasmForm } from "../../../src/wasm/form.ts";
import { importMemory } from "../../../src/wasm/import-memory.ts";
import { WasmError } from "../../../src/wasm/reader.ts";
import { splitData } from "../../../src/wasm/split-data.ts";
import { createChance } from "../../support/random.ts";

const ROOT = join(import.meta.dirname, "../../..");
const PROGRAMS = globSync("functions/*/*.wasm", { cwd: ROOT })
  .sort()
  .map((name) => ({ name, bytes: Uint8Array.from(readFileSync(join(ROOT, name))) }));
const SMALL = PROGRAMS.filter(({ bytes }) => bytes.byteLength < 100_000);
const ROUNDS = 10_000;

const isModule = (bytes: Uint8Array) => findWasmForm(bytes) === "module";

test.each(PROGRAMS.filter(({ bytes }) => isModule(bytes)))(
  "$name is one after its memory is imported and its data split off",
  ({ bytes }) => {
    const imported = importMemory(bytes);
    expect(imported.memory).toBeDefined();
    const split = splitData(imported.bytes);
    expect(split.image).toBeDefined();
    expect(WebAssembly.validate(split.bytes)).toBe(true);
  },
);

/** Some bytes changed near the front, where sections are declared, or anywhere; sometimes the end is gone. */
function damage(random: (below: number) => number): Uint8Array {
  const program = SMALL[random(SMALL.length)]?.bytes ?? new Uint8Array();
  const changed = program.slice(0, random(4) === 0 ? random(program.byteLength) : undefined);
  for (let left = random(3) + 1; left > 0 && changed.byteLength > 0; left--) {
    const near = Math.min(changed.byteLength, 700);
    changed[random(2) === 0 ? random(near) : random(changed.byteLength)] = random(256);
  }
  return changed;
}

test(`${ROUNDS} damaged programs are refused with a reason, or are still programs`, { timeout: 60_000 }, () => {
  const random = createChance(1);
  let rewritten = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const bytes = damage(random);
    try {
      inspectWasm(bytes);
      if (!isModule(bytes)) continue;
      const { bytes: after } = splitData(importMemory(bytes).bytes);
      rewritten += 1;
      if (WebAssembly.validate(bytes)) expect([round, WebAssembly.validate(after)]).toEqual([round, true]);
    } catch (thrown) {
      if (!(thrown instanceof WasmError)) throw thrown;
      // V8 knows all of today's WebAssembly: what it takes is not refused here, unless it is a component.
      if (isModule(bytes))
        expect([round, thrown.message, WebAssembly.validate(bytes)]).toEqual([round, thrown.message, false]);
    }
  }
  expect(rewritten).toBeGreaterThan(ROUNDS / 10);
});
