/**
 * Tries programs by chance for as long as it is told: what `npm test` does with ten thousand, with all the others.
 *
 *     npm run fuzz -- [seconds, 60 unless told otherwise] [first seed]
 *
 * Ends with 1 at the first that shows a fault of ours, and writes its module to a file.
 */

import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openWasiLab } from "../support/wasi-lab.ts";
import { type Fate, FuzzFailure, makeModule, readSeeds, tryModule } from "./fuzzer.ts";

const AT_ONCE = 6;

const [, , seconds = "60", first = String(Date.now() % 1_000_000_000)] = process.argv;
const endMs = performance.now() + Number(seconds) * 1_000;
const real = readSeeds();
const fates = new Map<Fate, number>();
let seed = Number(first);
console.log(`from seed ${seed}`);
{
  await using lab = await openWasiLab();
  const work = async () => {
    while (performance.now() < endMs) {
      const at = seed++;
      const fate = await tryModule(at, makeModule(at, real), lab);
      fates.set(fate, (fates.get(fate) ?? 0) + 1);
    }
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  } catch (thrown) {
    console.error(thrown);
    process.exitCode = 1;
    if (thrown instanceof FuzzFailure) {
      const file = join(tmpdir(), `nebula-fuzz-${thrown.seed}.wasm`);
      await writeFile(file, thrown.bytes);
      console.error(`its module: ${file}`);
    }
  }
}
console.table(Object.fromEntries(fates));
