/**
 * What each of the things is worth that make a fresh instance cheap: each is left out in turn, and all else stays.
 *
 * Snapshot and optimisation are left out of the program, the others out of the guest process. Kept machine code does
 * nothing for an invocation that is hot: what it is worth is in the first ones, so those are here too.
 */

import { join } from "node:path";
import { type Findings, type RunOptions, type Scenario, talk } from "../scenario.ts";
import { startWasmGuest, type WasmGuest, type WasmGuestOptions } from "../wasm-guest.ts";
import { assembleLargeSnapshot, optimise, readFunction, snapshot, type WasmProgram } from "../wasm-programs.ts";
import { readWordIndex } from "../wasm-set.ts";

const FIXTURES = join(import.meta.dirname, "../fixtures");
const WITHOUT_POOL = { bootstrap: join(FIXTURES, "guest-without-pool.ts") };
const WITHOUT_IMAGES = { bootstrap: join(FIXTURES, "guest-without-images.ts") };

/** A program as it is with everything, and what it is when one thing is missing. */
interface Case {
  readonly title: string;
  readonly whole: WasmProgram;
  readonly without: readonly {
    readonly what: string;
    readonly program?: WasmProgram;
    readonly guest?: WasmGuestOptions;
  }[];
}

const scenario: Scenario = {
  name: "wasi-without",
  question: "What are snapshot, optimisation, kept code, pooled memories and mapped images worth?",
  run: async (findings, options) => {
    const rows: (string | number)[][] = [];
    for (const { title, whole, without } of await listCases()) {
      talk(`  ${title}`);
      const code = await keepCode(whole);
      const all = await measure(findings, { title, what: "nothing", program: whole, code, ...options });
      rows.push(all.row);
      for (const { what, program = whole, guest } of [...without, { what: "kept code" }]) {
        options.signal.throwIfAborted();
        // Code belongs to one module: another, or none, is loaded without.
        const kept = what === "kept code" || program !== whole ? {} : { code };
        const one = await measure(findings, { title, what, program, ...kept, ...(guest && { guest }), ...options });
        rows.push([...one.row, one.meanMs / all.meanMs]);
      }
    }
    const columns = [
      "program",
      "without",
      "load ms",
      "first ms",
      "median ms",
      "mean ms",
      "p99 ms",
      "mean, times as long",
    ];
    findings.tables.push({ title: "Each thing left out in turn, inside the guest process", columns, rows });
  },
};

export default scenario;

async function listCases(): Promise<Case[]> {
  const hello = readFunction("hello-rust");
  const large = assembleLargeSnapshot();
  const wordIndex = readWordIndex();
  const snapshotted = await snapshot(large);
  const indexed = await snapshot(wordIndex);
  const pool = { what: "pooled memories", guest: WITHOUT_POOL };
  const images = { what: "mapped images", guest: WITHOUT_IMAGES };
  const addon = { what: "the add-on", guest: { isWithoutAddon: true } };
  const optimised = await optimise(indexed);
  return [
    {
      title: "hello in Rust",
      whole: await optimise(hello),
      without: [{ what: "optimisation", program: hello }, pool, addon],
    },
    {
      title: "word-index",
      whole: optimised,
      without: [
        { what: "snapshot", program: await optimise(wordIndex) },
        { what: "optimisation", program: indexed },
        pool,
        images,
        addon,
      ],
    },
    {
      title: "1.6 MB snapshot",
      whole: snapshotted,
      without: [{ what: "snapshot", program: large }, pool, images, addon],
    },
  ];
}

/** The machine code of the program when it is hot. */
async function keepCode(program: WasmProgram): Promise<Uint8Array> {
  await using guest = await startWasmGuest();
  await guest.load(program);
  await guest.prove(program, { rounds: 400, limitMs: 400 });
  return await guest.keep(program);
}

async function measure(
  findings: Findings,
  of: RunOptions & {
    title: string;
    what: string;
    program: WasmProgram;
    code?: Uint8Array;
    guest?: WasmGuestOptions;
  },
): Promise<{ row: (string | number)[]; meanMs: number }> {
  const { title, what, program, code, isQuick } = of;
  const limitMs = isQuick ? 300 : 800;
  await using guest = await startWasmGuest(of.guest);
  const { ms: loadMs } = await load(guest, program, code);
  const { firstMs } = await guest.prove(program, { rounds: 1e6, limitMs });
  const { medianMs, meanMs, p99Ms } = await guest.prove(program, { rounds: 1e6, limitMs });
  findings.details[`${title} without ${what}`] = { loadMs, firstMs, medianMs, meanMs, p99Ms };
  return { row: [title, what, loadMs, firstMs, medianMs, meanMs, p99Ms], meanMs };
}

async function load(guest: WasmGuest, program: WasmProgram, code: Uint8Array | undefined) {
  return await guest.load(program, code === undefined || code.byteLength === 0 ? {} : { code });
}
