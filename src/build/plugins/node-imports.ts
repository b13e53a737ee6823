/**
 * esbuild plugin: keeps imports of modules that the runtime provides (`node:*`, `cloudflare:*`) as imports.
 *
 * `require("node:events")` in a CommonJS package becomes a real import too, through a module made here, since an ES
 * module has no `require`. What is not accepted is left to esbuild, whose "Could not resolve" `problems.ts` explains.
 */

import { findNodeModule } from "../../model/nodejs-compat.ts";
import type { Plugin } from "../esbuild.ts";

/** Which built-in modules a function may import, and under which other names. */
export interface NodeImportsOptions {
  /** Whether the runtime provides this Node module; names come without `node:`. */
  accepts(name: string): boolean;
  /** Specifiers that the project replaces by something of its own. */
  readonly aliases: readonly string[];
}

const REQUIRED = "required";
/** Everything that could name a module of Node's, and no path: hooks cost a round trip to esbuild's process. */
const CANDIDATES = /^(?:node:|cloudflare:)|^[a-z_0-9]+(?:\/[a-z_0-9]+)?$/;

/** Leaves the built-in modules that a function may have to the guest, and refuses the others. */
export function nodeImportsPlugin({ accepts, aliases }: NodeImportsOptions): Plugin {
  const isAliased = (path: string) => aliases.some((alias) => path === alias || path.startsWith(`${alias}/`));
  return {
    name: "node-imports",
    setup(build) {
      build.onResolve({ filter: CANDIDATES }, ({ path, kind, namespace }) => {
        if (namespace === REQUIRED) return { path, external: true };
        const provided = isAliased(path) ? undefined : findProvided(path, accepts);
        if (provided === undefined) return undefined;
        const isRequired = kind === "require-call" || kind === "require-resolve";
        return isRequired ? { path: provided, namespace: REQUIRED } : { path: provided, external: true };
      });
      build.onLoad({ filter: /^/, namespace: REQUIRED }, ({ path }) => ({ contents: toCommonJs(path) }));
    },
  };
}

function findProvided(path: string, accepts: (name: string) => boolean): string | undefined {
  if (path.startsWith("cloudflare:")) return path;
  const name = findNodeModule(path);
  return name !== undefined && accepts(name) ? `node:${name}` : undefined;
}

/** Node's modules have what `require` returns as their default export; Cloudflare's have none. */
function toCommonJs(path: string): string {
  const binding = path.startsWith("node:") ? "provided" : "* as provided";
  return `import ${binding} from ${JSON.stringify(path)};\nmodule.exports = provided;\n`;
}
