/**
 * A process that changes secrets and their key for as long as it lives, and says what has been confirmed: it is there to
 * be killed.
 *
 *     node secret-writer.ts <path of the registry> <first number>
 */

import { systemClock } from "../../src/model/ports.ts";
import { openRegistry } from "../../src/registry/registry.ts";

const [path = "", first = "0"] = process.argv.slice(2);
const { secrets } = await openRegistry(path, { clock: systemClock, randomId: () => "1" });

/** Each of the two takes its time, so that they meet in every way. */
async function rotate(): Promise<never> {
  for (;;) await secrets.rotate();
}

async function put(): Promise<never> {
  for (let number = Number(first); ; number += 1) {
    await secrets.replace("shop", { A: String(number), B: String(number) });
    process.stdout.write(`${number}\n`);
  }
}

await Promise.all([rotate(), put()]);
