/**
 * The site on Deno, which brings no platform: a database file, the folder public/ and a program of Wasm stand in for the
 * bindings.
 *
 *     deno serve -A --port 8000 routes/deno.ts
 *
 * `DATABASE` names the file, `academemes.sqlite` unless given.
 */

import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { serveFiles } from "./elsewhere/files.ts";
import { migrate, openSqlite } from "./elsewhere/sqlite.ts";
import site from "./index.ts";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const DB = openSqlite(process.env.DATABASE ?? "academemes.sqlite");
await migrate(DB, join(ROOT, "migrations/academemes"));
const ASSETS = serveFiles(join(ROOT, "public"));
// By a name that the compiler does not follow: the types of functions are those of browsers, and here are Node's.
const caption: string = "../functions/caption/deno.ts";
const { default: CAPTION } = await import(caption);
const env = { DB, ASSETS, CAPTION, SITE_TITLE: "Academemes" };

/** How Deno says who asks. */
interface Info {
  readonly remoteAddr: { readonly hostname?: string };
}

export default {
  async fetch(request: Request, info: Info): Promise<Response> {
    const file = await ASSETS.fetch(request);
    if (file.status !== 404) return file;
    // What the caller says of its own address counts for nothing.
    const headers = new Headers(request.headers);
    headers.set("cf-connecting-ip", info.remoteAddr.hostname ?? "");
    return site.fetch(new Request(request, { headers }), env);
  },
};
