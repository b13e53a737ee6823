/**
 * Academemes, the site for academic memes: the entry that wrangler.toml names.
 *
 * A plain fetch handler on web APIs alone; it runs unchanged on Nebula, Cloudflare and Deno.
 */

import { createApp } from "./app.ts";
import { MEMES } from "./data/memes.ts";
import { createMemesInFile } from "./memes-in-file.ts";

const memes = createMemesInFile(MEMES);

export default createApp(() => memes);
