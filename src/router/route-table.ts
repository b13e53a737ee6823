/**
 * The router: which function answers a host and a path.
 *
 * An immutable value in memory; the host makes a new one when a deployment is activated and replaces the old one whole.
 * In this order:
 *
 *     1. http://<name>.localhost/…    the function <name>, whatever the path
 *     2. /fn/<name>/… on any host     the function <name>, which sees the rest of the path; an unknown name is no match
 *     3. route patterns               most specific first: exact host, then longer wildcard hosts; in each the exact
 *                                     path, then longer prefixes
 *
 * A `.localhost` name that no function has goes on to 2 and 3. Knows nothing of deployments, queries or HTTP.
 */

import { createLongestMatch } from "./longest-match.ts";
import { FUNCTION_PATH_PREFIX, parseRoutePattern } from "./route-pattern.ts";

/** A function and its patterns. `target` is handed back as it is. */
export interface RouteEntry<T> {
  readonly name: string;
  readonly routes: readonly string[];
  readonly target: T;
}

/** Where a request goes. */
export interface RouteMatch<T> {
  readonly name: string;
  readonly target: T;
  /** The path that the function sees, as raw as it came. */
  readonly path: string;
  /** What was taken off the front of the request's path: `/fn/<name>`, or "". */
  readonly basePath: string;
}

/** @see createRouteTable */
export interface RouteTable<T> {
  /**
   * Finds the function for a request.
   *
   *     routes   hello: ["a.test/*"]
   *     match("A.test:8787", "/x%2Fy")       →  { name: "hello", path: "/x%2Fy", basePath: "" }
   *     match("b.test", "/fn/hello/x")       →  { name: "hello", path: "/x", basePath: "/fn/hello" }
   *     match("hello.localhost", "/")        →  { name: "hello", path: "/", basePath: "" }
   *     match("b.test", "/")                 →  undefined
   *
   * `host` is the value of the Host header, port and all; `path` begins with "/", percent-encoded as it came, without
   * a query. Called once per request: hash look-ups and one binary search, no I/O.
   */
  match(host: string, path: string): RouteMatch<T> | undefined;
}

/** Two or more functions that claim the same requests. */
export interface RouteConflict {
  /** The pattern in its one spelling. */
  readonly pattern: string;
  readonly names: readonly string[];
}

/** All functions of one host pattern, by path. */
interface PathTable<T> {
  readonly exact: ReadonlyMap<string, RouteEntry<T>>;
  readonly findPrefix: ReturnType<typeof createLongestMatch<RouteEntry<T>>>;
}

/** Paths on their way to a PathTable. */
interface PathLists<T> {
  readonly exact: Map<string, RouteEntry<T>>;
  readonly prefixes: Map<string, RouteEntry<T>>;
}

/**
 * Makes a table. Of two entries with the same pattern the first keeps it; `findRouteConflicts` tells beforehand.
 *
 * A longer literal always wins. (On Cloudflare `/images*` is known to win over `/images/*`.)
 *
 * @throws {NebulaError} NEBULA_CONFIG_INVALID when a pattern is none.
 * @see https://developers.cloudflare.com/workers/platform/known-issues/ (route specificity)
 */
export function createRouteTable<T>(entries: readonly RouteEntry<T>[]): RouteTable<T> {
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  const byLocalHost = new Map(entries.map((entry) => [`${entry.name}.localhost`, entry]));
  const { hosts, hostSuffixes } = toHostTables(entries);
  const findSuffix = createLongestMatch(hostSuffixes, "end");

  return {
    match(host, path) {
      const hostname = toHostname(host);
      const local = byLocalHost.get(hostname);
      if (local !== undefined) return toMatch(local, path);
      if (path.startsWith(FUNCTION_PATH_PREFIX)) return matchName(byName, path);

      const paths = hosts.get(hostname);
      let entry = paths && findEntry(paths, path);
      let suffix = entry ? undefined : findSuffix(hostname);
      for (; suffix !== undefined && entry === undefined; suffix = suffix.shorter) {
        entry = findEntry(suffix.value, path);
      }
      return entry && toMatch(entry, path);
    },
  };
}

/** Finds patterns that several functions claim; asked before a deployment is activated. */
export function findRouteConflicts(entries: readonly Omit<RouteEntry<unknown>, "target">[]): RouteConflict[] {
  const names = new Map<string, Set<string>>();
  for (const { name, routes } of entries) {
    for (const route of routes) {
      const { text } = parseRoutePattern(route);
      names.set(text, (names.get(text) ?? new Set()).add(name));
    }
  }
  return [...names]
    .filter(([, claimants]) => claimants.size > 1)
    .map(([pattern, claimants]) => ({ pattern, names: [...claimants] }));
}

function toHostTables<T>(entries: readonly RouteEntry<T>[]) {
  const exact = new Map<string, PathLists<T>>();
  const suffixes = new Map<string, PathLists<T>>();
  for (const entry of entries) {
    for (const route of entry.routes) {
      const { host, isHostWildcard, path, isPathWildcard } = parseRoutePattern(route);
      const lists = getOrSet(isHostWildcard ? suffixes : exact, host, () => ({
        exact: new Map(),
        prefixes: new Map(),
      }));
      getOrSet(isPathWildcard ? lists.prefixes : lists.exact, path, () => entry);
    }
  }
  return { hosts: mapValues(exact, toPathTable), hostSuffixes: mapValues(suffixes, toPathTable) };
}

function toPathTable<T>({ exact, prefixes }: PathLists<T>): PathTable<T> {
  return { exact, findPrefix: createLongestMatch(prefixes, "start") };
}

function findEntry<T>({ exact, findPrefix }: PathTable<T>, path: string): RouteEntry<T> | undefined {
  return exact.get(path) ?? findPrefix(path)?.value;
}

function matchName<T>(byName: ReadonlyMap<string, RouteEntry<T>>, path: string): RouteMatch<T> | undefined {
  const slash = path.indexOf("/", FUNCTION_PATH_PREFIX.length);
  const end = slash === -1 ? path.length : slash;
  const entry = byName.get(path.slice(FUNCTION_PATH_PREFIX.length, end));
  return entry && toMatch(entry, path.slice(end) || "/", path.slice(0, end));
}

function toMatch<T>({ name, target }: RouteEntry<T>, path: string, basePath = ""): RouteMatch<T> {
  return { name, target, path, basePath };
}

/** `A.test.:8787` → `a.test`, `[::1]:8787` → `[::1]`. */
function toHostname(host: string): string {
  let end = host.lastIndexOf(":");
  if (end === -1 || host.indexOf("]", end) !== -1) end = host.length;
  if (host.charCodeAt(end - 1) === 46 /* . */) end -= 1;
  return host.slice(0, end).toLowerCase();
}

function getOrSet<V>(map: Map<string, V>, key: string, make: () => V): V {
  const found = map.get(key) ?? make();
  map.set(key, found);
  return found;
}

function mapValues<V, W>(map: ReadonlyMap<string, V>, change: (value: V) => W): ReadonlyMap<string, W> {
  return new Map([...map].map(([key, value]) => [key, change(value)]));
}
