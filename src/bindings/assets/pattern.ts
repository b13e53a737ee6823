/**
 * Patterns of `_headers` and `_redirects`: `:name` is one segment or a part of one, `*` is anything and ends up in `splat`.
 *
 *     "/blog/:year-:month/*"  on  "/blog/2026-08/a/b"   →  year 2026, month 08, splat a/b
 *     "https://:user.example.com/x"                     →  a placeholder in a host is (a part of) one label
 *
 * Matched by hand instead of by RegExp: paths come from strangers and patterns from function authors, and several
 * `[^/]+` in one expression backtrack in polynomial time on the host's only thread. Here a match is linear.
 * @see https://developers.cloudflare.com/workers/static-assets/redirects/#placeholders
 */

/** Literals around names: `a-:x-:y` is literals `a-`, `-`, `` and names x, y. */
interface Part {
  readonly literals: readonly string[];
  readonly names: readonly string[];
}

/** A path pattern, ready to be matched. */
export interface Pattern {
  /** Labels of the host; absent where any host will do. */
  readonly host?: readonly Part[];
  readonly before: readonly Part[];
  /** The segment with the `*`: what stands before and after it. */
  readonly splat?: { readonly prefix: string; readonly suffix: string };
  /** Segments after that with the `*`. */
  readonly after: readonly Part[];
}

/** What placeholders stand for. */
export type Values = ReadonlyMap<string, string>;

const PLACEHOLDER = /:([A-Za-z]\w*)/g;
const NO_VALUES: Values = new Map();

/** Whether a pattern has placeholders or a splat. */
export function isDynamic(pattern: string): boolean {
  return pattern.includes("*") || pattern.search(PLACEHOLDER) !== -1;
}

/** Why a pattern cannot be used; `undefined` when it can. */
export function findPatternProblem(pattern: string): string | undefined {
  const stars = pattern.split("*").length - 1;
  if (stars > 1) return "only one * is allowed; use placeholders such as :name for the others";
  const names = [...pattern.matchAll(PLACEHOLDER)].map((match) => match[1]);
  if (stars === 1 && names.includes("splat")) return "* and :splat are the same placeholder";
  if (new Set(names).size < names.length) return "a placeholder is used twice";
  const starred = pattern.split("/").find((segment) => segment.includes("*")) ?? "";
  if (isDynamic(starred.replace("*", ""))) return "* and a placeholder cannot share a segment";
  if (stars === 1 && pattern.startsWith("https://") && toHost(pattern).includes("*"))
    return "a host takes placeholders, not *";
  return undefined;
}

/** Compiles a pattern that has no problem. */
export function parsePattern(pattern: string): Pattern {
  const isAbsolute = pattern.startsWith("https://");
  const segments = (isAbsolute ? pattern.slice(`https://${toHost(pattern)}`.length) : pattern).split("/");
  const host = isAbsolute ? { host: toHost(pattern).split(".").map(parsePart) } : {};
  const starred = segments.findIndex((segment) => segment.includes("*"));
  if (starred === -1) return { ...host, before: segments.map(parsePart), after: [] };
  const [prefix = "", suffix = ""] = (segments[starred] ?? "").split("*");
  const before = segments.slice(0, starred).map(parsePart);
  return { ...host, before, splat: { prefix, suffix }, after: segments.slice(starred + 1).map(parsePart) };
}

/** Matches a URL path (still encoded) and, where the pattern has one, a host name. */
export function matchPattern(pattern: Pattern, segments: readonly string[], hostname: string): Values | undefined {
  const { host, before, splat, after } = pattern;
  const tail = segments.length - after.length;
  if (splat === undefined ? segments.length !== before.length : tail <= before.length) return undefined;
  const values = new Map<string, string>();
  if (host !== undefined && !matchParts(host, hostname.split("."), values)) return undefined;
  if (!matchParts(before, segments.slice(0, before.length), values)) return undefined;
  if (splat === undefined) return values.size === 0 ? NO_VALUES : values;
  if (!matchParts(after, segments.slice(tail), values)) return undefined;
  const middle = segments.slice(before.length, tail).join("/");
  const { prefix, suffix } = splat;
  if (middle.length < prefix.length + suffix.length) return undefined;
  if (!middle.startsWith(prefix) || !middle.endsWith(suffix)) return undefined;
  return values.set("splat", middle.slice(prefix.length, middle.length - suffix.length));
}

/** Puts values in place of `:name`; a name without value stays. */
export function fillPattern(template: string, values: Values): string {
  if (values.size === 0) return template;
  return template.replace(PLACEHOLDER, (whole, name: string) => values.get(name) ?? whole);
}

function toHost(pattern: string): string {
  return pattern.slice("https://".length).split("/", 1)[0] ?? "";
}

function parsePart(text: string): Part {
  const pieces = text.split(PLACEHOLDER);
  return { literals: pieces.filter((_, i) => i % 2 === 0), names: pieces.filter((_, i) => i % 2 === 1) };
}

function matchParts(parts: readonly Part[], texts: readonly string[], values: Map<string, string>): boolean {
  return parts.length === texts.length && parts.every((part, i) => matchPart(part, texts[i] ?? "", values));
}

/**
 * Matches one segment, earlier placeholders taking as much as they can. Going from the right and taking each literal
 * at its last possible place gives just that in one pass, as it leaves the most room to the left.
 */
function matchPart({ literals, names }: Part, text: string, values: Map<string, string>): boolean {
  const first = literals[0] ?? "";
  if (names.length === 0) return text === first;
  const last = literals.at(-1) ?? "";
  if (!text.startsWith(first) || !text.endsWith(last)) return false;
  let end = text.length - last.length;
  for (let i = names.length - 1; i > 0; i--) {
    const literal = literals[i] ?? "";
    const from = end - 1 - literal.length;
    const at = from < 0 ? -1 : text.lastIndexOf(literal, from);
    if (at === -1) return false;
    values.set(names[i] ?? "", text.slice(at + literal.length, end));
    end = at;
  }
  values.set(names[0] ?? "", text.slice(first.length, end));
  return end > first.length;
}
