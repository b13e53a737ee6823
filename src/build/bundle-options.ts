/**
 * What esbuild is told about a project: wrangler's settings, so that a Workers project bundles the same here.
 *
 * @see https://developers.cloudflare.com/workers/wrangler/bundling/
 */

import { join } from "node:path";
import type { Project } from "../model/function.ts";
import { mayImportNodeModule } from "../model/nodejs-compat.ts";
import type { BuildOptions, Plugin } from "./esbuild.ts";
import { createModuleRules } from "./module-rules.ts";
import { mainModulePlugin, NOT_MAIN } from "./plugins/main-module.ts";
import { type ImportedFile, moduleFilesPlugin } from "./plugins/module-files.ts";
import { nodeImportsPlugin } from "./plugins/node-imports.ts";
import { npmImportsPlugin } from "./plugins/npm-imports.ts";

/** Never written; its place makes the paths in the source map relative to the project. */
export const OUT_FILE = ".nebula.bundle.js";

/** Folders that the bundler's options refer to. */
export interface BundlePlaces {
  /** Real paths: esbuild resolves links itself, and paths on both sides of one would not be relative to each other. */
  readonly dir: string;
  readonly main: string;
  /** Receives the files that stay imports. */
  readonly files: Map<string, ImportedFile>;
}

/** The options for one ES module and its source map, without absolute paths in either. */
export function toBundleOptions({ build, spec }: Project, { dir, main, files }: BundlePlaces): BuildOptions {
  const rules = createModuleRules(build.rules, ["Text", "Data", "CompiledWasm"]);
  const accepts = (name: string) => mayImportNodeModule(name, spec.compatibility);
  return {
    absWorkingDir: dir,
    entryPoints: [main],
    outfile: join(dir, OUT_FILE),
    bundle: true,
    format: "esm",
    // Node 26 and Deno know `using`; what else is newer than ES2024 (decorators) is rewritten.
    target: "es2024",
    supported: { using: true },
    charset: "utf8",
    platform: "browser",
    conditions: ["workerd", "worker", "browser"],
    mainFields: ["browser", "module", "main"],
    loader: { ".js": "jsx", ".mjs": "jsx", ".cjs": "jsx" },
    define: { "process.env.NODE_ENV": '"production"', ...NOT_MAIN, ...build.define },
    alias: { ...build.alias },
    minify: build.minify,
    keepNames: build.keepNames,
    sourcemap: "external",
    sourcesContent: true,
    ...(build.tsconfig !== undefined && { tsconfig: build.tsconfig }),
    ...(build.jsx && { jsxFactory: build.jsx.factory, jsxFragment: build.jsx.fragment }),
    plugins: [
      mainModulePlugin(main),
      nodeImportsPlugin({ accepts, aliases: Object.keys(build.alias) }),
      npmImportsPlugin,
      remoteImportsPlugin,
      moduleFilesPlugin({ dir, rules, files }),
    ],
  };
}

/** esbuild would leave these imports as they are, and no guest could load them. */
const remoteImportsPlugin: Plugin = {
  name: "remote-imports",
  setup(build) {
    build.onResolve({ filter: /^(?:https?:)?\/\// }, ({ path, kind }) => {
      if (kind === "entry-point") return undefined;
      const text = `Cannot import "${path}": modules are not downloaded`;
      return { errors: [{ text, detail: "Install it with npm, or save it in the project" }] };
    });
  },
};
