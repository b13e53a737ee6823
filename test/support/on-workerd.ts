/**
 * One function on workerd, through miniflare: what Cloudflare's own implementation answers.
 */

import { Miniflare } from "miniflare";

export interface OnWorkerd extends AsyncDisposable {
  readonly url: URL;
}

/** A fetch handler in one file, with the namespace `KV` and a cache. */
export async function startOnWorkerd(scriptPath: string): Promise<OnWorkerd> {
  const miniflare = new Miniflare({
    modules: [{ type: "ESModule", path: scriptPath }],
    kvNamespaces: ["KV"],
    compatibilityDate: "2026-07-01",
  });
  const url = await miniflare.ready;
  return { url, [Symbol.asyncDispose]: async () => await miniflare.dispose() };
}
