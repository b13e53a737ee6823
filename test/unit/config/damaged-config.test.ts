/**
 * Configurations damaged at random: whatever the text, reading gives a project or NEBULA_CONFIG_INVALID.
 */

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createProjectFolder, readDiagnostics } from "./project-folder.ts";

const RUNS = 300;
const PIECES = [
  "[",
  "]]",
  "{",
  "}",
  '"',
  "'''",
  "=",
  ",",
  "#",
  "\n",
  "null",
  "-1",
  "1e999",
  "[[env]]\n",
  "\0",
  "é",
  "__proto__",
];

function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

for (const form of ["toml", "jsonc"]) {
  test(`readProject() survives ${RUNS} damaged texts of ${form} and finds places inside them`, async () => {
    const whole = await readFile(join(import.meta.dirname, `../../fixtures/config/complete.${form}`), "utf8");
    await using folder = await createProjectFolder({ "src/index.ts": "", "public/": "" });
    const random = createRandom(7);
    for (let run = 0; run < RUNS; run++) {
      let text = whole;
      for (let cut = random(3); cut >= 0; cut--) {
        const at = random(text.length);
        text = text.slice(0, at) + (PIECES[random(PIECES.length)] ?? "") + text.slice(at + random(12));
      }
      await writeFile(join(folder.dir, `wrangler.${form}`), text);
      const lines = text.split("\n").length;
      const outside = (await readDiagnostics(folder.dir)).filter(
        ({ line, column }) => line < 1 || line > lines || column < 1,
      );
      expect(outside, text).toEqual([]);
    }
  });
}
