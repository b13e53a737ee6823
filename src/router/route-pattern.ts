/**
 * One route pattern, `host/path`, read from text.
 *
 *     example.com/api/*    this host, paths that begin with /api/
 *     *.example.com/*      its subdomains, not the apex
 *     *example.com/*       the apex, its subdomains and every other host that ends so
 *     example.com          the path / alone
 *
 * Differences from Cloudflare: a scheme is accepted and ignored, because TLS ends before us; a pattern without a path
 * wildcard matches whatever the query string; one pattern may stand for every host (`*\/*`), since there are no zones.
 */

import { domainToASCII } from "node:url";
import { NebulaError } from "../model/errors.ts";

/** A pattern in its parts; the literals come without their stars. */
export interface RoutePattern {
  /** The one spelling of this pattern: no scheme, lower-case ASCII host, always a path. Equal texts match the same. */
  readonly text: string;
  /** The host, or what it must end with (`.example.com`, or "" for every host). */
  readonly host: string;
  readonly isHostWildcard: boolean;
  /** The path, or what it must begin with; begins with "/". */
  readonly path: string;
  readonly isPathWildcard: boolean;
}

/** Paths that lead to a function by its name on every host. */
export const FUNCTION_PATH_PREFIX = "/fn/";

/**
 * Reads a route pattern.
 *
 * @throws {NebulaError} NEBULA_CONFIG_INVALID when it is none.
 * @see https://developers.cloudflare.com/workers/configuration/routing/routes/ (matching behavior, validity)
 */
export function parseRoutePattern(text: string): RoutePattern {
  if (/\s/.test(text)) throw broken(text, "it holds white space");
  if (/[?#]/.test(text))
    throw broken(text, "it holds a query string or a fragment", "Routes look at host and path only");
  const bare = dropScheme(text);
  const slash = bare.indexOf("/");
  if (slash === -1 && bare.endsWith("*")) {
    throw broken(text, "it has no path", `Write "${bare}/*" for every path`);
  }
  const { host, isHostWildcard } = parseHost(text, slash === -1 ? bare : bare.slice(0, slash));
  const { path, isPathWildcard } = parsePath(text, slash === -1 ? "/" : bare.slice(slash));
  const canonical = `${isHostWildcard ? "*" : ""}${host}${path}${isPathWildcard ? "*" : ""}`;
  return { text: canonical, host, isHostWildcard, path, isPathWildcard };
}

function dropScheme(text: string): string {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text);
  if (scheme === null) return text;
  if (!/^https?$/i.test(scheme[1] ?? "")) throw broken(text, "its scheme is neither http nor https");
  return text.slice(scheme[0].length);
}

function parseHost(text: string, hostText: string): Pick<RoutePattern, "host" | "isHostWildcard"> {
  if (hostText === "") throw broken(text, "it has no host", `Write "*${text}" for every host`);
  const isHostWildcard = hostText.startsWith("*");
  const literal = isHostWildcard ? hostText.slice(1) : hostText;
  if (literal.includes("*")) throw broken(text, "a host may hold one star, at its start");
  if (/:\d*$/.test(literal)) throw broken(text, "it names a port", "Leave the port out: routes match on every port");
  if (literal === "") return { host: "", isHostWildcard };
  const dot = isHostWildcard && literal.startsWith(".") ? "." : "";
  const name = literal.slice(dot.length);
  // A part of a label has no ASCII form of its own, so the star must stand before a whole one.
  const isPartial = isHostWildcard && dot === "";
  if (isPartial && /[^\x20-\x7e]/.test(name)) throw broken(text, 'a star before a name in Unicode needs a dot ("*.")');
  const ascii = domainToASCII(name).replace(/\.$/, "");
  if (ascii === "" || ascii.startsWith(".") || ascii.includes("..")) throw broken(text, "its host is not a host name");
  return { host: dot + ascii, isHostWildcard };
}

function parsePath(text: string, pathText: string): Pick<RoutePattern, "path" | "isPathWildcard"> {
  const star = pathText.indexOf("*");
  if (star !== -1 && star !== pathText.length - 1) throw broken(text, "a path may hold one star, at its end");
  const literal = star === -1 ? pathText : pathText.slice(0, -1);
  // Requests come percent-encoded; a pattern may be written as people read it.
  const path = literal.toWellFormed().replace(/[^\x21-\x7e]+/g, encodeURIComponent);
  if (path.startsWith(FUNCTION_PATH_PREFIX)) {
    throw broken(text, `paths under "${FUNCTION_PATH_PREFIX}" lead to functions by name and never reach a route`);
  }
  return { path, isPathWildcard: star !== -1 };
}

function broken(text: string, problem: string, hint?: string): NebulaError {
  return new NebulaError("NEBULA_CONFIG_INVALID", `Cannot read route "${text}": ${problem}`, {
    hint,
    details: { route: text },
  });
}
