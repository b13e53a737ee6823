/**
 * Cloudflare's runtime on this machine, to hold ours against it.
 */

import { build } from "esbuild";
import { Miniflare } from "miniflare";

/** A function that it serves. */
export interface Elsewhere extends AsyncDisposable {
  readonly url: string;
}

/** A function and what it imports as one text, which both can serve. */
export async function bundleFunction(entry: string): Promise<string> {
  const options = { bundle: true, format: "esm", write: false, target: "es2022", logLevel: "silent" } as const;
  const { outputFiles } = await build({ entryPoints: [entry], ...options, external: ["node:*"] });
  return outputFiles[0]?.text ?? "";
}

/** Serves a function, with databases by the names of their bindings. */
export async function serveElsewhere(script: string, d1Databases: Record<string, string>): Promise<Elsewhere> {
  const options = { compatibilityDate: "2026-07-01", compatibilityFlags: ["nodejs_compat"] };
  const miniflare = new Miniflare({ modules: true, script, d1Databases, ...options });
  const url = await miniflare.ready;
  return { url: url.href, [Symbol.asyncDispose]: () => miniflare.dispose() };
}
