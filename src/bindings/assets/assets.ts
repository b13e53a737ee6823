/**
 * Static assets of one deployment, as wrangler's `[assets]` describes them.
 *
 *     answers(head)  →  may this be answered without asking the function?
 *     fetch(call)    →  _redirects ─▶ table of paths ─▶ not_found_handling ─▶ file, redirect or 404 ─▶ _headers
 *
 * Whatever depends on the path alone is worked out once and remembered. Nothing is read from disk but file contents,
 * and those of small files only once.
 * @see https://developers.cloudflare.com/workers/static-assets/
 */

import type { AssetsManifest } from "../../model/artifact.ts";
import { type Diagnostic, NebulaError } from "../../model/errors.ts";
import { type Answer, type Call, findHeader, type HeaderList, type RequestHead } from "../../model/exchange.ts";
import type { AssetsSettings, FunctionSpec } from "../../model/function.ts";
import type { BlobReader } from "../../model/ports.ts";
import { MIB } from "../../model/units.ts";
import { BlobCache } from "./blob-cache.ts";
import { applyChanges, createHeaderRules, type HeaderChanges, NO_CHANGES, parseHeaders } from "./headers-file.ts";
import { findRawPath } from "./path.ts";
import { createRedirects, findLocation, parseRedirects, type Redirect } from "./redirects-file.ts";
import { sendFile } from "./send-file.ts";
import { createTable, type Table, type Target } from "./table.ts";
import { createWorkerFirst } from "./worker-first.ts";

/** The files of one deployment, and how they answer. */
export interface AssetsOptions {
  readonly manifest: AssetsManifest;
  readonly settings: AssetsSettings;
  readonly blobs: BlobReader;
  /** Memory for contents of small files; 32 MiB unless told. */
  readonly cacheBytes?: number;
  /** Decides `assets_navigation_prefers_asset_serving`, on by default from 2025-04-01 and when this is absent. */
  readonly compatibility?: FunctionSpec["compatibility"];
}

/** The static files of one deployment. */
export interface Assets {
  /**
   * Whether a request is to be answered here before the function is asked: run_worker_first does not claim it, and
   * it has a file or a redirect.
   *
   * A path that leads nowhere belongs to the function, except in three cases that wrangler makes: a negative pattern
   * of run_worker_first covers it; run_worker_first is a list (then not_found_handling answers what the list leaves);
   * or it is a browser's navigation (`Sec-Fetch-Mode: navigate`) and not_found_handling has a page for it.
   * Called once per request: no I/O.
   * @throws {NebulaError} NEBULA_REQUEST_INVALID when the URL cannot be parsed.
   */
  answers(head: RequestHead): boolean;
  /**
   * Answers in full, with not_found_handling and at last a 404. For projects without function, and for env.ASSETS.
   * Bodies that are byte arrays are shared with the cache: they may be neither changed nor transferred.
   * Bodies that are streams fail with the signal's reason when it aborts.
   *
   * @throws {NebulaError} NEBULA_REQUEST_INVALID when the URL cannot be parsed.
   * @throws {NebulaError} NEBULA_CLIENT_GONE when the signal aborts first.
   * @throws {NebulaError} NEBULA_STATE_FAILED when the node has lost the bytes.
   */
  fetch(call: Call): Promise<Answer>;
  /** Lines of `_headers` and `_redirects` that are not in effect, and why. */
  readonly problems: readonly Diagnostic[];
}

const DEFAULT_CACHE_BYTES = 32 * MIB;
/** Larger files are streamed from disk each time. */
const MAX_KEPT_FILE_BYTES = MIB;
const NOTHING: HeaderList = ["content-length", "0"];

/** Prepares the assets of a deployment. Holds no resources but memory. */
export function createAssets(options: AssetsOptions): Assets {
  return new StaticAssets(options);
}

/** What a path leads to when `_redirects` have been asked: `lost` is a rewrite to no file, a 404 that no function sees. */
type Found = Target | { readonly kind: "rule"; readonly redirect: Redirect } | { readonly kind: "lost" };

class StaticAssets implements Assets {
  readonly problems: readonly Diagnostic[];
  readonly #options: AssetsOptions;
  readonly #table: Table;
  readonly #redirects: ReturnType<typeof createRedirects>;
  readonly #headerRules: ReturnType<typeof createHeaderRules> | undefined;
  readonly #findFirst: ReturnType<typeof createWorkerFirst>;
  readonly #prefersNavigation: boolean;
  readonly #cache: BlobCache;
  /** What rules say for paths of the table, which are few; other paths are worked out each time. */
  readonly #found = new Map<string, Found>();
  readonly #changes = new Map<string, HeaderChanges>();

  constructor(options: AssetsOptions) {
    const { manifest, settings, blobs, cacheBytes = DEFAULT_CACHE_BYTES } = options;
    const redirects = parseRedirects(manifest.redirectsFile ?? "", settings);
    const headers = parseHeaders(manifest.headersFile ?? "");
    this.problems = [...headers.problems, ...redirects.problems];
    this.#options = options;
    this.#table = createTable(manifest, settings);
    this.#redirects = createRedirects(redirects.rules);
    this.#headerRules = headers.rules.length === 0 ? undefined : createHeaderRules(headers.rules);
    this.#findFirst = createWorkerFirst(settings.runWorkerFirst);
    this.#prefersNavigation = prefersNavigation(options.compatibility);
    this.#cache = new BlobCache({ blobs, maxBytes: cacheBytes, maxBlobBytes: MAX_KEPT_FILE_BYTES });
  }

  answers(head: RequestHead): boolean {
    const path = this.#toPath(head.url);
    const first = this.#findFirst(path);
    if (first !== undefined) return first === "assets";
    if (this.#find(path) !== undefined) return true;
    const hasList = typeof this.#options.settings.runWorkerFirst !== "boolean";
    const isNavigation = this.#prefersNavigation && findHeader(head.headers, "sec-fetch-mode") === "navigate";
    return (hasList || isNavigation) && this.#table.findFallback(path) !== undefined;
  }

  async fetch(call: Call): Promise<Answer> {
    const { url } = call.head;
    const path = this.#toPath(url);
    const changes = this.#findChanges(path, url);
    const { head, body } = await this.#answer(call, path, changes);
    return { head: { status: head.status, headers: applyChanges(head.headers, changes) }, body };
  }

  async #answer(call: Call, path: string, changes: HeaderChanges): Promise<Answer> {
    const { method, url } = call.head;
    const found = this.#find(path) ?? this.#table.findFallback(path);
    if (found === undefined || found.kind === "lost") return toAnswer(404, NOTHING);
    if (found.kind === "rule") {
      const location = findLocation(found.redirect, parseUrl(url));
      return location === undefined ? toAnswer(404, NOTHING) : toRedirect(found.redirect.status, location);
    }
    if (method !== "GET" && method !== "HEAD") return toAnswer(405, ["allow", "GET, HEAD", ...NOTHING]);
    if (found.kind === "move") return toRedirect(307, `${found.to}${parseUrl(url).search}`);
    const { blobs } = this.#options;
    const { file, status } = found;
    return await sendFile(file, call, { status, blobs, cache: this.#cache, isIdentityOnly: changes.isEncodingSet });
  }

  /** The path as URLs normalise it; a path of the table is known to be normal. */
  #toPath(url: string): string {
    const raw = findRawPath(url);
    return this.#table.has(raw) ? raw : parseUrl(url).pathname;
  }

  #find(path: string): Found | undefined {
    if (this.#redirects.isEmpty) return this.#table.find(path);
    const known = this.#found.get(path);
    if (known !== undefined) return known;
    const found = this.#findWithRules(path);
    if (found !== undefined && this.#table.has(path)) this.#found.set(path, found);
    return found;
  }

  #findWithRules(path: string): Found | undefined {
    const redirect = this.#redirects.find(path);
    if (redirect === undefined) return this.#table.find(path);
    if (redirect.status !== 200) return { kind: "rule", redirect };
    const rewritten = URL.parse(redirect.to, "http://host")?.pathname ?? path;
    return this.#table.find(rewritten) ?? this.#table.findFallback(rewritten) ?? { kind: "lost" };
  }

  #findChanges(path: string, url: string): HeaderChanges {
    const rules = this.#headerRules;
    if (rules === undefined) return NO_CHANGES;
    if (rules.isHostBound) return rules.find(path, parseUrl(url).hostname);
    const known = this.#changes.get(path);
    if (known !== undefined) return known;
    const changes = rules.find(path, "");
    if (this.#table.has(path)) this.#changes.set(path, changes);
    return changes;
  }
}

/** @see https://developers.cloudflare.com/workers/configuration/compatibility-flags/#navigation-requests-prefer-asset-serving */
function prefersNavigation(compatibility: FunctionSpec["compatibility"] | undefined): boolean {
  if (compatibility === undefined) return true;
  const { date, flags } = compatibility;
  if (flags.includes("assets_navigation_prefers_asset_serving")) return true;
  return date >= "2025-04-01" && !flags.includes("assets_navigation_has_no_effect");
}

function parseUrl(url: string): URL {
  const parsed = URL.parse(url);
  if (parsed === null) throw new NebulaError("NEBULA_REQUEST_INVALID", "Cannot find asset: the URL is not valid");
  return parsed;
}

function toRedirect(status: number, location: string): Answer {
  return toAnswer(status, ["location", location, ...NOTHING]);
}

function toAnswer(status: number, headers: HeaderList): Answer {
  return { head: { status, headers }, body: null };
}
