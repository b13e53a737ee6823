/**
 * esbuild plugin: imports of files that are no JavaScript, by the project's module rules.
 *
 *     import page from "./page.html"    Text          inlined as a string
 *     import logo from "./logo.bin"     Data          stays an import; the guest gives an ArrayBuffer
 *     import code from "./code.wasm"    CompiledWasm  stays an import; the guest gives a WebAssembly.Module
 *
 * An import that says itself what it wants (`with { type: "text" }`) is esbuild's own business.
 */

import { readFile } from "node:fs/promises";
import { basename, relative } from "node:path";
import { toDigest } from "../blob-source.ts";
import type { OnLoadResult, Plugin } from "../esbuild.ts";
import type { ModuleRules, RuleMatch } from "../module-rules.ts";
import { findWasmProblem } from "../wasm-header.ts";

/** A file that stays an import: the specifier in the bundle is its key in the map. */
export interface ImportedFile {
  readonly kind: "wasm" | "data";
  readonly content: Uint8Array;
}

/** Which imports become files of their own, and where those are collected. */
export interface ModuleFilesOptions {
  readonly dir: string;
  readonly rules: ModuleRules;
  /** Filled anew by each build. */
  readonly files: Map<string, ImportedFile>;
}

const STYLE_SHEET = /\.css$/;

/** Takes imports of text, data and Wasm out of the bundle, and keeps them as modules beside it. */
export function moduleFilesPlugin({ dir, rules, files }: ModuleFilesOptions): Plugin {
  return {
    name: "module-files",
    setup(build) {
      build.onStart(() => files.clear());
      build.onResolve({ filter: /^\.\/[0-9a-f]{16}-/ }, ({ path }) =>
        files.has(path) ? { path, external: true } : undefined,
      );
      build.onLoad({ filter: rules.filter }, async ({ path, with: attributes }) => {
        const match = rules.find(relative(dir, path));
        if (match === undefined || attributes.type !== undefined) return undefined;
        if (match.isHidden) return toProblem(`Cannot import "${basename(path)}": ${hiddenBy(match)}`, FALL_THROUGH);
        const content = await readFile(path);
        if (match.type === "Text") return { contents: content, loader: "text" };
        const problem = match.type === "CompiledWasm" ? findWasmProblem(content) : undefined;
        if (problem !== undefined) return toProblem(`Cannot import "${basename(path)}": ${problem}`);
        return keepImport(files, path, { kind: match.type === "CompiledWasm" ? "wasm" : "data", content });
      });
      // After the rules, so that a rule for style sheets wins; esbuild alone would drop the text silently.
      build.onLoad({ filter: STYLE_SHEET }, ({ path, with: attributes }) =>
        attributes.type === undefined
          ? toProblem(`Cannot import "${basename(path)}": a function has no page to style`, TEXT_RULE)
          : undefined,
      );
    },
  };
}

const FALL_THROUGH = "Add fallthrough = true to that rule, or this file's pattern to its globs";
const TEXT_RULE = 'Add [[rules]] type = "Text", globs = ["**/*.css"] to import it as a string';

function hiddenBy({ type }: RuleMatch): string {
  return `the rule that matches it is hidden by an earlier rule of type "${type}"`;
}

function keepImport(files: Map<string, ImportedFile>, path: string, file: ImportedFile): OnLoadResult {
  const name = `./${toDigest(file.content).slice("sha256:".length, "sha256:".length + 16)}-${basename(path)}`;
  files.set(name, file);
  return { contents: `import file from ${JSON.stringify(name)};\nexport default file;\n`, loader: "js" };
}

function toProblem(text: string, hint?: string): OnLoadResult {
  return { errors: [{ text, detail: hint }] };
}
