/**
 * html_handling: under which path a page is served, and which other paths lead there.
 *
 *     file               auto-trailing-slash   force-trailing-slash   drop-trailing-slash
 *     /a.html            /a                    /a/                    /a
 *     /b/index.html      /b/                   /b/                    /b
 *     /index.html        /                     /                      /
 *
 * Every other spelling (`/a.html`, `/a/`, `/a/index`, `/a/index.html`) redirects to that place. A file named exactly
 * as asked always wins. Pure: knows names only, no requests and no bytes.
 * @see https://developers.cloudflare.com/workers/static-assets/routing/advanced/html-handling/
 */

import type { AssetsSettings } from "../../model/function.ts";

/** Wrangler's word for how HTML files and slashes go together. */
export type HtmlHandling = AssetsSettings["htmlHandling"];

/** Serve this file here, or send the client to that path. Both are decoded paths. */
export type Page = { readonly file: string } | { readonly redirect: string };

/** What a decision about a path needs to know. */
export interface HtmlOptions {
  readonly mode: HtmlHandling;
  /** Whether the manifest has a file of exactly this path. */
  readonly has: (path: string) => boolean;
}

/** What a decoded path leads to; `undefined` when no file answers to it. */
export function findPage(path: string, options: HtmlOptions): Page | undefined {
  const isExact = options.has(path);
  if (options.mode === "none" || (isExact && path.endsWith("/index"))) return isExact ? { file: path } : undefined;
  const stripped = stripPage(path);
  const found = stripped && findNamed(path, { ...stripped, ...options });
  if (found) return found;
  if (isExact) return { file: path };
  if (path.endsWith("/")) return undefined;
  return findNamed(path, { base: path, isFolder: false, ...options });
}

interface Stripped {
  /** The page's name without ending: `/a` of `/a.html`, `/a/`, `/a/index` and `/a/index.html`. */
  readonly base: string;
  /** Whether the path asks for the folder's page before the file's. */
  readonly isFolder: boolean;
}

function stripPage(path: string): Stripped | undefined {
  for (const suffix of ["/index", "/index.html", "/"]) {
    if (path.endsWith(suffix)) return { base: path.slice(0, -suffix.length), isFolder: true };
  }
  // A file that is called ".html" has no name to strip to.
  if (!path.endsWith(".html") || path.endsWith("/.html")) return undefined;
  return { base: path.slice(0, -".html".length), isFolder: false };
}

function findNamed(path: string, options: Stripped & HtmlOptions): Page | undefined {
  const { base, isFolder, has } = options;
  for (const isIndex of [isFolder, !isFolder]) {
    const file = isIndex ? `${base}/index.html` : `${base}.html`;
    if (!has(file)) continue;
    const place = toPlace(base, { isIndex, mode: options.mode });
    if (findServed(place, options) === file) return place === path ? { file } : { redirect: place };
    if (file === path) return { file }; // because its place is taken by another file
  }
  return undefined;
}

function toPlace(base: string, options: { isIndex: boolean; mode: HtmlHandling }): string {
  if (base === "" || options.mode === "force-trailing-slash") return `${base}/`;
  return options.isIndex && options.mode === "auto-trailing-slash" ? `${base}/` : base;
}

/** The file that is served at a page's place without redirect. */
function findServed(place: string, options: HtmlOptions): string | undefined {
  return listServed(place, options.mode).find(options.has);
}

function listServed(place: string, mode: HtmlHandling): string[] {
  if (!place.endsWith("/")) {
    return mode === "drop-trailing-slash"
      ? [place, `${place}.html`, `${place}/index.html`]
      : [place, ...(mode === "auto-trailing-slash" ? [`${place}.html`] : [])];
  }
  return mode === "force-trailing-slash"
    ? [`${place}index.html`, `${place.slice(0, -1)}.html`]
    : [`${place}index.html`];
}
