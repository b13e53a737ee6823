/**
 * Cloudflare's runtime on this machine, to hold ours against it.
 */

import { build } from "esbuild";
import { Miniflare } from "miniflare";

/** A function that it serves. */
export interface Elsewhere extends AsyncDisposable {
  readonly url: string;
}

/** Bundles a function and serves it, with databases by the names of their bindings. */
export async function serveElsewhere(
  entry: string,
  { d1 = {}, kv = {} }: { d1?: Record<string, string>; kv?: Record<string, string> },
): Promise<Elsewhere> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    format: "esm",
    write: false,
    target: "es2022",
  });
  const miniflare = new Miniflare({
    modules: true,
    script: outputFiles[0]?.text ?? "",
    d1Databases: d1,
    kvNamespaces: kv,
    compatibilityDate: "2026-07-01",
  });
  const url = await miniflare.ready;
  return { url: url.href, [Symbol.asyncDispose]: () => miniflare.dispose() };
}
