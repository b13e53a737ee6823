/**
 * A step that claims to save time, and has to prove it: the program is run before and after, and what the step made is
 * kept only when every answer is the same and it is not slower.
 *
 *     program ─▶ tool ─▶ checked ─▶ run before, run after ─▶ kept, or dropped with the reason
 *
 * Nothing here fails a build: without the tool, or without a way to run the program, it goes on as it is.
 */

import type { Saving } from "../../model/artifact.ts";
import { type Diagnostic, toNebulaError } from "../../model/errors.ts";
import type { Project } from "../../model/function.ts";
import { readBlobSource, toDigest } from "../blob-source.ts";
import { checkWasm } from "../check-wasm.ts";
import { formatSaving, type ProofResult, type Prove, toSaving } from "../prove.ts";
import { createSavedCache, type Saved } from "../saved-cache.ts";
import { buildFailed, type Step, type StepOptions, type StepOutput } from "../step.ts";
import { findMounts, findProgram } from "../wasm-artifact.ts";
import type { Mounts, WasmProgram } from "../wasm-program.ts";
import type { WasmToolResult } from "../wasm-tool.ts";

/** How a step changes one program. */
export interface Change {
  /** Everything that decides what comes out, besides the program. */
  readonly key: readonly string[];
  make(options: { signal: AbortSignal; files: ReadonlyMap<string, Uint8Array> }): Promise<WasmToolResult>;
}

/** What every saving step is opened with. */
export interface SavingOptions {
  readonly project: Project;
  readonly prove: Prove | undefined;
  readonly cacheDir: string | undefined;
}

/** One kind of saving. */
export interface SavingKind extends SavingOptions {
  readonly step: Saving["step"];
  /** Which share of the time before it may take and still be kept. */
  readonly atMost: number;
  /** What can be done for a program, or why nothing. */
  plan(program: WasmProgram): Promise<Change | Skip>;
}

/** Why nothing is done. The author is warned where they asked for it. */
export interface Skip {
  readonly skip: string;
  readonly isWarned?: boolean;
}

/** Said where a program could not be run, or is to be run later. What was found out before counts all the same. */
export const NOT_TRIED = "what it is worth has not been tried yet";

/** Opens the step. */
export function openSavingStep(kind: SavingKind): Step {
  const cache = createSavedCache(kind.cacheDir);
  return {
    async run({ signal, earlier }: StepOptions): Promise<StepOutput> {
      const program = findProgram(earlier);
      if (program === undefined) throw buildFailed(kind.step, `Cannot finish step "${kind.step}": there is no program`);
      const skip = (why: Skip) => toSkipped(program, why, kind);
      const { prove } = kind;
      if (kind.project.spec.wasi?.proof.length === 0) return skip({ skip: "there is no proof request" });
      const change = await kind.plan(program);
      if ("skip" in change) return skip(change);
      const mounts = findMounts(earlier);
      const key = toKey(program, change, { kind, mounts });
      const found = await cache.find(key);
      if (found !== undefined) return toOutput(program, found);
      if (prove === undefined) return skip({ skip: NOT_TRIED });
      const made = await tryChange(program, change, { kind, prove, files: await readMounts(mounts), signal });
      if ("skip" in made) return skip(made);
      await cache.keep(key, made);
      return toOutput(program, made);
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

/** The same key means the same result: program, tool, what it is asked, and with what. */
function toKey(program: WasmProgram, { key }: Change, { kind, mounts }: { kind: SavingKind; mounts: Mounts }) {
  const { wasi, bindings, limits } = kind.project.spec;
  const files = [...mounts].map(([path, { digest }]) => [path, digest]);
  const all = [kind.step, kind.atMost, toDigest(program.bytes), key, wasi ?? null, bindings, limits.memoryBytes, files];
  return toDigest(Buffer.from(JSON.stringify(all)));
}

interface TryOptions {
  readonly kind: SavingKind;
  readonly prove: Prove;
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly signal: AbortSignal;
}

async function tryChange(
  program: WasmProgram,
  change: Change,
  { kind, prove, files, signal }: TryOptions,
): Promise<Saved | Skip> {
  const { spec } = kind.project;
  const made = await change.make({ signal, files });
  if ("failure" in made) return { skip: made.failure, isWarned: program.snapshotHook !== undefined };
  if (toDigest(made.bytes) === toDigest(program.bytes)) return { skip: "it changes nothing" };
  const checked = checkWasm(made.bytes, { memoryBytes: spec.limits.memoryBytes });
  if (checked.problems !== undefined) return { skip: `what it makes does not run: ${checked.problems[0].message}` };
  const run = async (bytes: Uint8Array) =>
    await prove({ kind: program.kind, bytes, spec, files }, { signal }).catch((thrown: unknown) => {
      signal.throwIfAborted();
      return toNebulaError(thrown).message;
    });
  const before = await run(program.bytes);
  if (typeof before === "string") return { skip: `its proof request fails: ${before}` };
  const after = await run(made.bytes);
  if (typeof after === "string") return { skip: `dropped, since its proof request fails then: ${after}` };
  return toSaved({ kind, before, after, again: [await run(program.bytes), await run(made.bytes)], made });
}

interface Measured {
  readonly kind: SavingKind;
  readonly before: ProofResult;
  readonly after: ProofResult;
  /** Of both a second time, or why not. */
  readonly again: readonly [ProofResult | string, ProofResult | string];
  readonly made: { readonly bytes: Uint8Array };
}

function toSaved({ kind, again, made, ...first }: Measured): Saved | Skip {
  const [before, after] = [toBetter(first.before, again[0]), toBetter(first.after, again[1])];
  if (before === undefined) return { skip: "its proof requests have other answers each time" };
  if (after === undefined) return { skip: "dropped, since its proof requests have other answers each time then" };
  const saving = toSaving(kind.step, { before, after, atMost: kind.atMost });
  return saving.isKept ? { saving, bytes: made.bytes } : { saving };
}

/** The faster of two runs, since what else a machine does only ever adds; `undefined` where they do not agree. */
function toBetter(one: ProofResult, other: ProofResult | string): ProofResult | undefined {
  if (typeof other === "string" || one.answers !== other.answers) return undefined;
  return one.medianMs <= other.medianMs ? one : other;
}

async function readMounts(mounts: Mounts): Promise<ReadonlyMap<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const [path, { source }] of mounts) files.set(path, await readBlobSource(source));
  return files;
}

function toOutput(program: WasmProgram, { saving, bytes = program.bytes }: Saved): StepOutput {
  const { kind, snapshotHook, savings } = program;
  // The hook has been called; a program without it is not snapshotted a second time.
  const hook = bytes === program.bytes ? snapshotHook : undefined;
  return {
    program: {
      kind,
      bytes,
      ...(hook !== undefined && { snapshotHook: hook }),
      savings: [...savings, saving],
    },
    note: formatSaving(saving),
  };
}

function toSkipped(program: WasmProgram, { skip, isWarned = false }: Skip, { project, step }: SavingKind): StepOutput {
  const warning: Diagnostic = {
    severity: "warning",
    message: `Cannot ${step} "${project.spec.name}": ${skip}`,
    file: project.main ?? project.dir,
    line: 1,
    column: 1,
    hint: "It is deployed as it is",
  };
  return { program, note: `skipped: ${skip}`, ...(isWarned && { warnings: [warning] }) };
}
