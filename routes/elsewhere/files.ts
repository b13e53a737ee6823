/**
 * The static files of a folder, answered as the platforms do it: with an ETag, and the headers that `_headers` says.
 *
 * @see https://developers.cloudflare.com/workers/static-assets/headers/
 */

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const TYPES: Readonly<Record<string, string>> = {
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
  txt: "text/plain; charset=utf-8",
};

/** Reads the folder once: nothing outside it can be asked for, and nothing in it changes while it is served. */
export function serveFiles(folder: string): { fetch(request: Request): Promise<Response> } {
  const rules = parseHeaders(readFileSync(join(folder, "_headers"), "utf8"));
  const files = new Map<string, { body: Buffer<ArrayBuffer>; headers: Headers }>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || entry.name === "_headers") continue;
    const path = `${entry.parentPath}/${entry.name}`.slice(folder.length);
    const body = readFileSync(join(folder, path));
    const headers = new Headers({
      "content-type": TYPES[path.split(".").at(-1) ?? ""] ?? "application/octet-stream",
      "cache-control": "public, max-age=0, must-revalidate",
      etag: `"${createHash("sha256").update(body).digest("hex").slice(0, 32)}"`,
    });
    for (const rule of rules) {
      if (rule.path === path || (rule.path.endsWith("*") && path.startsWith(rule.path.slice(0, -1)))) {
        headers.set(rule.name, rule.value);
      }
    }
    files.set(path, { body, headers });
  }

  return {
    fetch: async (request) => {
      const file = files.get(new URL(request.url).pathname);
      if (!file || !["GET", "HEAD"].includes(request.method)) return new Response("Not found\n", { status: 404 });
      const { headers } = file;
      if (request.headers.get("if-none-match") === headers.get("etag"))
        return new Response(null, { status: 304, headers });
      return new Response(request.method === "HEAD" ? null : file.body, { headers });
    },
  };
}

/** Unindented lines are paths, indented ones headers for the path above. */
function parseHeaders(text: string): { path: string; name: string; value: string }[] {
  let path = "";
  return text.split("\n").flatMap((line) => {
    if (line.trim() === "" || line.startsWith("#")) return [];
    if (!/^\s/.test(line)) {
      path = line.trim();
      return [];
    }
    const at = line.indexOf(":");
    return [{ path, name: line.slice(0, at).trim(), value: line.slice(at + 1).trim() }];
  });
}
