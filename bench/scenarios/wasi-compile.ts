/**
 * What it takes to have a program: compiled in a guest process, from its bytes and from kept machine code, and prepared
 * on a node at its deployment, where it is also tried and made hot.
 */

import { startNebula, toFunctionFiles } from "../nebula.ts";
import { type RunOptions, type Scenario, talk } from "../scenario.ts";
import { toMedian } from "../stats.ts";
import { startWasmGuest } from "../wasm-guest.ts";
import { deployWasm, lendAddon } from "../wasm-node.ts";
import { generateLarge, readFunction, type WasmProgram } from "../wasm-programs.ts";
import { choosePrograms } from "../wasm-set.ts";

const scenario: Scenario = {
  name: "wasi-compile",
  question: "How long does it take to compile a program, and to prepare it on a node, per megabyte?",
  run: async (findings, options) => {
    await using node = await startNebula(toFunctionFiles("other"));
    lendAddon(node.stateDir);
    const chosen = await choosePrograms(findings, options);
    const programs = [
      ...chosen.map(({ program, title }) => ({ program, title })),
      ...["markdown", "caption"].map((name) => ({ program: readFunction(name), title: name })),
      { program: generateLarge(10e6), title: "generated, 10 MB of code" },
    ];
    // The first deployment also starts the first process for programs.
    await deployWasm(node, readFunction("fibonacci"), "fibonacci");
    const rows: (string | number)[][] = [];
    for (const [at, { program, title }] of programs.entries()) {
      options.signal.throwIfAborted();
      talk(`  ${title}`);
      const megabytes = program.bytes.byteLength / 1e6;
      const { loads, codeBytes, codeLoads } = await measureLoads(program, options);
      const { steps } = await deployWasm(node, program, `compile-${at}`);
      const prepareMs = steps.find(({ step }) => step === "prepare")?.ms ?? Number.NaN;
      const of = { subject: title, unit: "ms", warmUp: "none: a new process each time" };
      const { median } = findings.measure({ ...of, quantity: "load" }, loads);
      const kept = codeLoads.length === 0 ? Number.NaN : toMedian(codeLoads);
      if (codeLoads.length > 0) findings.measure({ ...of, quantity: "load from kept code" }, codeLoads);
      rows.push([
        title,
        megabytes,
        median,
        median / megabytes,
        codeBytes / 1e3,
        kept,
        prepareMs,
        prepareMs / megabytes,
      ]);
    }
    const columns = ["program", "MB", "compile ms", "ms/MB", "kept code kB", "from it ms", "prepare ms", "ms/MB"];
    findings.tables.push({ title: "Compiling and preparing (a fresh process for each)", columns, rows });
    findings.note(
      "compile: V8 compiles lazily, and what the build has left to do, such as importing the memory, is in it",
    );
    findings.note("prepare: in a process of its own, made hot for up to 400 ms, its machine code written to disk");
  },
};

export default scenario;

interface Loads {
  readonly loads: readonly number[];
  readonly codeBytes: number;
  readonly codeLoads: readonly number[];
}

async function measureLoads(program: WasmProgram, { isQuick }: RunOptions): Promise<Loads> {
  const loads: number[] = [];
  const codeLoads: number[] = [];
  let code = new Uint8Array();
  for (let i = 0; i < (isQuick ? 1 : 3); i++) {
    await using guest = await startWasmGuest();
    loads.push((await guest.load(program)).ms);
    if (code.byteLength > 0) continue;
    await guest.prove(program, { rounds: 400, limitMs: 400 });
    code = Uint8Array.from(await guest.keep(program));
  }
  for (let i = 0; i < (isQuick ? 1 : 3) && code.byteLength > 0; i++) {
    await using guest = await startWasmGuest();
    const { ms, isFromCode } = await guest.load(program, { code });
    if (isFromCode) codeLoads.push(ms);
  }
  return { loads, codeBytes: code.byteLength, codeLoads };
}
