/**
 * Academemes, the site for academic memes: the entry that wrangler.toml names.
 *
 * A plain fetch handler on web APIs and one D1 database; it runs unchanged on Nebula, Cloudflare and, by way of
 * deno.ts, on Deno.
 */

import { createApp } from "./app.ts";
import type { D1Database } from "./db/d1.ts";
import { openMemes } from "./db/memes.ts";
import type { Memes } from "./model.ts";

/** What was prepared for a database serves all requests that come with it. */
const opened = new WeakMap<D1Database, Memes>();

export default createApp(({ DB }) => {
  if (!DB) throw new Error('Cannot open the memes: there is no database binding "DB"');
  const memes = opened.get(DB) ?? openMemes(DB);
  opened.set(DB, memes);
  return memes;
});
