/**
 * `route` and `routes`: patterns of host and path that lead to the function.
 *
 * @see https://developers.cloudflare.com/workers/configuration/routing/routes/ (section "Validity")
 */

import type { Findings } from "./findings.ts";
import { parseHostPattern } from "./host-pattern.ts";
import type { Settings } from "./settings.ts";
import { formatPath } from "./source.ts";
import { findChild, findFlag, findText, listElements, type Value } from "./value.ts";

/** A pattern `host/path` without scheme; or what is wrong, a clause, with a remedy where there is one. */
export type RoutePattern = { readonly pattern: string } | { readonly problem: string; readonly hint?: string };

/**
 * Reads a route pattern. A scheme is dropped, because a node does not tell HTTP from HTTPS; without a path it is `/`.
 *
 *     parseRoutePattern("https://*.Example.com/img/*")  →  { pattern: "*.example.com/img/*" }
 *     parseRoutePattern("example.com")                  →  { pattern: "example.com/" }
 *     parseRoutePattern("example.com/*.jpg")            →  { problem: "a * may stand at the end of the path only" }
 */
export function parseRoutePattern(text: string): RoutePattern {
  const scheme = /^([a-z][a-z\d+.-]*):\/\//i.exec(text);
  if (scheme && !/^https?$/i.test(scheme[1] ?? "")) return { problem: "the scheme may be http or https only" };
  const rest = text.slice(scheme?.[0].length ?? 0);
  if (/\s/.test(rest)) return { problem: "a pattern has no white space" };
  if (/[?#]/.test(rest)) return { problem: "a pattern has no query and no fragment" };
  const slash = rest.indexOf("/");
  if (slash < 0 && rest.endsWith("*"))
    return { problem: "the path is missing", hint: `write "${rest}/*" for all paths` };
  const path = slash < 0 ? "/" : rest.slice(slash);
  if (path.slice(0, -1).includes("*")) return { problem: "a * may stand at the end of the path only" };
  if (path.startsWith("/fn/")) return { problem: "paths under /fn/ lead to functions by their name" };
  const host = parseRouteHost(slash < 0 ? rest : rest.slice(0, slash));
  // Requests come percent-encoded; a pattern may be written as people read it.
  const encoded = path.toWellFormed().replace(/[^!-~]+/g, encodeURIComponent);
  return "problem" in host ? host : { pattern: host.pattern + encoded };
}

/** Reads the host of a custom domain, which takes all paths: `shop.example.com` → `shop.example.com/*`. */
export function parseCustomDomain(text: string): RoutePattern {
  if (text.includes("/")) return { problem: "a custom domain has no path" };
  if (text.includes("*")) return { problem: "a custom domain has no *" };
  const host = parseRouteHost(text);
  return "problem" in host ? host : { pattern: `${host.pattern}/*` };
}

function parseRouteHost(text: string): RoutePattern {
  if (/:\d*$/.test(text)) return { problem: "it has a port", hint: "leave the port out: routes match on every port" };
  // A part of a label has no ASCII form of its own.
  if (/^\*[^.].*[^ -~]/.test(text)) return { problem: 'a * before letters beyond ASCII needs a dot, "*."' };
  return parseHostPattern(text);
}

/** The patterns that lead to the function. An environment's `route` or `routes` replaces both of the top level. */
export function readRoutes(settings: Settings, findings: Findings): readonly string[] {
  const layer = [settings.env?.table, settings.top].find(
    (table) => findChild(table, "route") ?? findChild(table, "routes"),
  );
  const single = findChild(layer, "route");
  const list = findChild(layer, "routes");
  if (single && list) findings.onKey(single.path, `excludes "${formatPath(list.path)}": write one of them`);
  const routes = [...(single ? [single] : []), ...listElements(list)];
  if (settings.env && layer === settings.top) warnInherited(routes, settings.env.name, findings);
  const patterns = new Map<string, Value>();
  for (const route of routes) {
    const pattern = readRoute(route, findings);
    if (pattern === undefined) continue;
    const twin = patterns.get(pattern);
    if (twin) findings.onValue(route.path, `is the same as "${formatPath(twin.path)}"`, { severity: "warning" });
    else patterns.set(pattern, route);
  }
  return [...patterns.keys()];
}

function readRoute(route: Value, findings: Findings): string | undefined {
  const place = findText(route) === undefined ? findChild(route, "pattern") : route;
  const text = findText(place);
  if (place === undefined || text === undefined || findFlag(findChild(route, "enabled")) === false) return undefined;
  if (text === "" && route.path.at(-1) === "route") return undefined; // Wrangler takes an empty `route` for none.
  const isDomain = findFlag(findChild(route, "custom_domain")) === true;
  const parsed = isDomain ? parseCustomDomain(text) : parseRoutePattern(text);
  if ("pattern" in parsed) return parsed.pattern;
  const what = isDomain ? "custom domain" : "route pattern";
  findings.onValue(place.path, `is not a valid ${what}: ${parsed.problem}`, { hint: parsed.hint });
  return undefined;
}

/** Two functions cannot both have a custom domain: the environment would take it from the top level. */
function warnInherited(routes: readonly Value[], envName: string, findings: Findings): void {
  for (const route of routes) {
    if (findFlag(findChild(route, "custom_domain")) !== true) continue;
    findings.onValue(route.path, `is a custom domain that "env.${envName}" inherits, so that it moves there`, {
      severity: "warning",
      hint: `write routes = [] under "env.${envName}" to leave it where it is`,
    });
  }
}
