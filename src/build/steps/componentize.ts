/**
 * Step "componentize": a bundled fetch handler becomes a component of wasi:http/proxy, with a JavaScript engine inside.
 *
 * Its top level runs here, once; the component begins where that has ended. docs/decisions/0012 says why this engine.
 */

import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { JsArtifact } from "../../model/artifact.ts";
import type { NebulaError } from "../../model/errors.ts";
import type { Project } from "../../model/function.ts";
import type { Clock } from "../../model/ports.ts";
import { formatMs, GIB } from "../../model/units.ts";
import { fromWireError } from "../../model/wire-error.ts";
import { mergeData } from "../../wasm/merge-data.ts";
import { listCoreModules, replaceCoreModules } from "../../wasm/nested-modules.ts";
import { type BlobSources, readBlobSource, toDigest } from "../blob-source.ts";
import { type ComponentCache, createComponentCache } from "../componentize/component-cache.ts";
import { joinGuest } from "../componentize/guest-text.ts";
import { bundlePrelude } from "../componentize/prelude-text.ts";
import { findPrinted } from "../componentize/printed-lines.ts";
import { writeProgram } from "../componentize/program-text.ts";
import { renameToWasi } from "../componentize/rename.ts";
import { WIT_FILES } from "../componentize/world.ts";
import type { Esbuild } from "../esbuild.ts";
import { runTool, type ShellResult } from "../exec.ts";
import { buildFailed, type Step, type StepOptions, type StepOutput } from "../step.ts";
import type { FindTool, Tool } from "../tools.ts";

/** What is componentized, and with what. */
export interface ComponentizeOptions {
  readonly project: Project;
  readonly esbuild: Esbuild;
  readonly clock: Clock;
  readonly findTool: FindTool;
  /** Where components are kept from one builder to the next. */
  readonly cacheDir: string | undefined;
}

/** What does it, and what is bundled with the function. */
const PACKAGES = "componentize-qjs web-streams-polyfill";
/** What the tool itself takes besides the function's top level. */
const TOOL_MS = 30_000;
const LIMITS = { memoryBytes: 3 * GIB, fileBytes: GIB } as const;
/** What the prelude writes in front of the error of a top level. */
const FAILED = /nebula-top-level-failed (\{.*\})/;

/**
 * Opens the step. It takes the artifact of the step "bundle" or "modules".
 * Fails with NEBULA_BUILD_FAILED when the tool is absent, when the function imports what the engine cannot have, and when
 * its top level throws or does not end.
 */
export function openComponentizeStep(options: ComponentizeOptions): Step {
  const cache = createComponentCache(options.cacheDir);
  let prelude: string | undefined;
  return {
    run: async ({ signal, earlier, onOutput }) => {
      const tool = await options.findTool("componentize-qjs");
      if (tool === undefined) throw absent();
      const { artifact, blobs } = findBundle(earlier);
      prelude ??= await bundlePrelude(options.esbuild, { signal });
      const source = await readSource(artifact, blobs);
      const program = await writeProgram(source, { esbuild: options.esbuild, signal });
      const { code, sourceMap } = joinGuest(prelude, program, artifact.style);
      const { bytes, isKnown } = await makeOnce(code, { ...options, signal, onOutput, cache, tool });
      const printed = findPrinted(bytes);
      if (printed !== "") onOutput?.(printed);
      return {
        program: { kind: "component", bytes, savings: [], sourceMap: Buffer.from(JSON.stringify(sourceMap)) },
        ...(isKnown && { note: "made before" }),
      };
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

interface RunOptions extends ComponentizeOptions, Pick<StepOptions, "signal" | "onOutput"> {
  readonly cache: ComponentCache;
  readonly tool: Tool;
}

/** The same script, world and tool give the same component. */
async function makeOnce(code: string, options: RunOptions): Promise<{ bytes: Uint8Array; isKnown: boolean }> {
  const { cache, tool } = options;
  const key = toDigest(Buffer.from(JSON.stringify([tool.version, WIT_FILES, code])));
  const found = await cache.find(key);
  if (found !== undefined) return { bytes: found, isKnown: true };
  const bytes = await componentize(code, options);
  await cache.keep(key, bytes);
  return { bytes, isKnown: false };
}

function findBundle(earlier: readonly StepOutput[]): { artifact: JsArtifact; blobs: BlobSources } {
  for (const { artifact, blobs } of earlier)
    if (artifact?.kind === "js" && blobs !== undefined) return { artifact, blobs };
  throw buildFailed("componentize", "Cannot make the function into WebAssembly: nothing has bundled it");
}

async function readSource({ main, modules, sourceMap }: JsArtifact, blobs: BlobSources) {
  const read = async ({ digest }: { digest: JsArtifact["main"]["digest"] }) => {
    const source = blobs.get(digest);
    if (source === undefined) throw buildFailed("componentize", `Cannot read "${digest}": the bundle has no such blob`);
    return await readBlobSource(source);
  };
  const text = async (blob: Parameters<typeof read>[0]) => Buffer.from(await read(blob)).toString();
  return {
    main: await text(main),
    modules: await Promise.all(
      modules.map(async ({ name, kind, digest }) => ({ name, kind, content: await read({ digest }) })),
    ),
    sourceMap: sourceMap && (await text(sourceMap)),
  };
}

async function componentize(code: string, options: RunOptions): Promise<Uint8Array> {
  const { project, clock, signal, tool, onOutput } = options;
  const dir = await mkdtemp(join(tmpdir(), "nebula-componentize-"));
  try {
    await writeFile(join(dir, "guest.js"), code);
    for (const [path, text] of Object.entries(WIT_FILES)) {
      const file = join(dir, "world", path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text);
    }
    const timeoutMs = project.spec.limits.startMs + TOOL_MS;
    const command = { file: tool.file, args: [...tool.args, dir] };
    const env = { RUST_BACKTRACE: "0" };
    const result = await runTool(command, { ...LIMITS, cwd: dir, env, signal, timeoutMs, clock });
    if (result.outcome !== "exited" || result.exitCode !== 0) {
      throw toFailure(result, { project, timeoutMs, onOutput });
    }
    return joinSegments(renameToWasi(await readFile(join(dir, "component.wasm"))));
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

interface FailureOptions extends Pick<StepOptions, "onOutput"> {
  readonly project: Project;
  readonly timeoutMs: number;
}

function toFailure(result: ShellResult, { project, timeoutMs, onOutput }: FailureOptions): NebulaError {
  const what = `Cannot make "${project.spec.name}" into WebAssembly`;
  if (result.outcome === "timed-out") {
    return buildFailed("componentize", `${what}: its top level took more than ${formatMs(timeoutMs)}`, {
      hint: "The top level runs when the function is built: do there what ends",
    });
  }
  const thrown = FAILED.exec(result.output)?.[1];
  if (thrown !== undefined) {
    const failed: { printed?: unknown } = JSON.parse(thrown);
    if (typeof failed.printed === "string" && failed.printed !== "") onOutput?.(failed.printed);
    const { name, message, stack } = fromWireError(failed);
    const cause = Object.assign(new TypeError(message), { name, stack });
    return buildFailed("componentize", `${what}: ${name}: ${message}`, {
      hint: "The top level runs when the function is built, where there is no request, no env, no network and no randomness",
      cause,
    });
  }
  const lines = result.output.split("\n").filter((line) => line.trim() !== "");
  return buildFailed("componentize", `${what}: ${lines[0] ?? `the tool ended with exit code ${result.exitCode}`}`, {
    details: { output: result.output },
  });
}

function absent(): NebulaError {
  return buildFailed("componentize", `Cannot run "componentize-qjs": it is not installed`, {
    hint: `Install it beside Nebula with npm install ${PACKAGES}, or build where it is installed and deploy from there`,
  });
}

/** The snapshot's data comes as ten thousand segments, which whoever loads it would have to read one by one. */
function joinSegments(component: Uint8Array): Uint8Array {
  return replaceCoreModules(component, listCoreModules(component).map(mergeData));
}
