/**
 * esbuild plugin: `import.meta.main` is true in the entry and false in what it imports, although both become one module.
 *
 * The bundler is told that it is false; here the entry's text says otherwise, in as many characters, so that positions stay.
 */

import { readFile } from "node:fs/promises";
import type { Plugin } from "../esbuild.ts";

const IS_MAIN = /\bimport\.meta\.main\b/g;

/** What the bundler is told of every module. */
export const NOT_MAIN = { "import.meta.main": "false" };

/** `main` is a real path. */
export function mainModulePlugin(main: string): Plugin {
  return {
    name: "main-module",
    setup(build) {
      build.onLoad({ filter: new RegExp(`^${RegExp.escape(main)}$`) }, async ({ path }) => {
        const text = await readFile(path, "utf8");
        if (text.search(IS_MAIN) < 0) return undefined;
        return { contents: text.replace(IS_MAIN, (each) => "true".padEnd(each.length)), loader: "default" };
      });
    },
  };
}
