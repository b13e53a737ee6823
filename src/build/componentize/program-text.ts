/**
 * A bundled function as one script for the engine in Wasm: its top level in a function, its files inlined.
 *
 *     export default { fetch }      →      var __program = (() => { … evaluate = async (…) => { …; return { default } } })()
 *
 * A top level in a function may wait, can be run when the rest is ready, and says when it has ended.
 */

import type { SourceMapPayload } from "node:module";
import type { Diagnostic } from "../../model/errors.ts";
import type { BuildOptions, Bundler, Esbuild, Message, Plugin } from "../esbuild.ts";
import type { ModuleContent } from "../js-artifact.ts";
import { buildFailed } from "../step.ts";
import { GUEST_OPTIONS } from "./guest-options.ts";

/** A bundle and what it imports. */
export interface ProgramSource {
  readonly main: string;
  readonly modules: readonly ModuleContent[];
  readonly sourceMap: string | undefined;
}

/** One script. */
export interface ProgramText {
  readonly code: string;
  /** For the lines of `code`. */
  readonly sourceMap: SourceMapPayload;
}

/** The variable that holds what the script exports. */
export const PROGRAM_NAME = "__program";
/** What `cloudflare:workers` gives, inside the script. */
const WORKERS = "__nebulaWorkers";
const WORKERS_MODULE = `export const { env, WorkerEntrypoint, RpcTarget, waitUntil } = ${WORKERS};`;
const EXPORTS = /export \{([^{}]*)\};\s*$/;

/** @throws {NebulaError} NEBULA_BUILD_FAILED with the imports that the engine cannot have. */
export async function writeProgram(
  source: ProgramSource,
  { esbuild, signal }: { esbuild: Esbuild; signal: AbortSignal },
): Promise<ProgramText> {
  const whole = await run(esbuild, signal, {
    stdin: { contents: withMap(source.main, source.sourceMap), sourcefile: "index.js", loader: "js" },
    bundle: true,
    format: "esm",
    platform: "neutral",
    target: "es2024",
    define: { "import.meta.url": '"file:///index.js"' },
    plugins: [filesPlugin(source.modules)],
  });
  const { code, sourceMap } = await run(esbuild, signal, {
    ...GUEST_OPTIONS,
    stdin: { contents: withMap(wrap(whole.code), whole.sourceMap), sourcefile: "index.js", loader: "js" },
    bundle: false,
    globalName: PROGRAM_NAME,
  });
  const payload: SourceMapPayload = JSON.parse(sourceMap);
  return { code, sourceMap: payload };
}

/** Puts the top level into a function; its first line stays the first. */
function wrap(code: string): string {
  const list = EXPORTS.exec(code)?.[1] ?? "";
  const properties = list
    .split(",")
    .map((each) => each.trim().split(" as "))
    .filter(([local]) => local !== "")
    .map(([local, name = local]) => `${name}: ${local}`);
  return `export const evaluate = async (${WORKERS}) => {${code.replace(EXPORTS, "")}\nreturn { ${properties.join(", ")} };\n};`;
}

function withMap(code: string, map: string | undefined): string {
  if (map === undefined) return code;
  return `${code}\n//# sourceMappingURL=data:application/json;base64,${Buffer.from(map).toString("base64")}\n`;
}

async function run(
  esbuild: Esbuild,
  signal: AbortSignal,
  options: BuildOptions,
): Promise<{ code: string; sourceMap: string }> {
  await using bundler: Bundler = esbuild.openBundler({
    ...options,
    outfile: "program.js",
    charset: "utf8",
    sourcemap: "external",
    sourcesContent: true,
    tsconfigRaw: "{}",
  });
  const { files, errors } = await bundler.run({ signal });
  if (errors.length > 0) throw refused(errors);
  const find = (ending: string) =>
    Buffer.from(files.find(({ path }) => path.endsWith(ending))?.contents ?? []).toString();
  return { code: find(".js"), sourceMap: find(".js.map") };
}

/** Imports that are no JavaScript, as JavaScript; those that nothing here can be are errors. */
function filesPlugin(modules: readonly ModuleContent[]): Plugin {
  const byName = new Map(modules.map((module) => [module.name, module]));
  return {
    name: "program-files",
    setup(build) {
      build.onResolve({ filter: /.*/ }, ({ path, kind }) => {
        if (kind === "entry-point" || path === "<stdin>") return undefined;
        if (path === "cloudflare:workers" || byName.has(path)) return { path, namespace: "program" };
        return { errors: [{ text: `Cannot import "${path}": ${explainImport(path)}` }] };
      });
      build.onLoad({ filter: /.*/, namespace: "program" }, ({ path }) => {
        if (path === "cloudflare:workers") return { contents: WORKERS_MODULE, loader: "js" };
        const module = byName.get(path);
        if (module === undefined) return undefined;
        const { kind, content } = module;
        const text = () => Buffer.from(content).toString();
        if (kind === "js") return { contents: text(), loader: "js" };
        if (kind === "json" || kind === "text") return { contents: text(), loader: kind };
        if (kind === "wasm") return { errors: [{ text: `Cannot import "${path}": ${NO_WEBASSEMBLY}` }] };
        const base64 = Buffer.from(content).toString("base64");
        return { contents: `export default Uint8Array.fromBase64("${base64}").buffer;`, loader: "js" };
      });
    },
  };
}

const NO_WEBASSEMBLY = "JavaScript in Wasm has no WebAssembly of its own";

function explainImport(path: string): string {
  return path.startsWith("node:") ? "JavaScript in Wasm has no modules of Node" : "it is no module of the function";
}

function refused(errors: readonly Message[]) {
  const diagnostics = errors.map(
    ({ text, location }): Diagnostic => ({
      severity: "error",
      message: text,
      file: location?.file ?? "index.js",
      line: location?.line ?? 1,
      column: (location?.column ?? 0) + 1,
    }),
  );
  return buildFailed("componentize", `Cannot make the function into WebAssembly: ${errors[0]?.text}`, {
    diagnostics,
    hint: 'Write engines = ["isolate"], or leave the import out',
  });
}
