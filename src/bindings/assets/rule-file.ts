/**
 * What `_headers` and `_redirects` have in common: lines with numbers, comments, problems, and how URLs are written.
 *
 * A bad line is never fatal: it is left out and reported, as wrangler does.
 */

import type { Diagnostic } from "../../model/errors.ts";

/** @see https://developers.cloudflare.com/workers/static-assets/headers/ (limits) */
const MAX_LINE_LENGTH = 2_000;

/** One line with what it says and where it stood. */
export interface Line {
  /** Without surrounding space. */
  readonly text: string;
  /** From 1. */
  readonly number: number;
  /** Where the text begins, from 1. */
  readonly column: number;
}

/** Collects what is wrong with a file. */
export class Problems {
  readonly #found: Diagnostic[] = [];
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  add(line: Line, message: string): void {
    const { number, column } = line;
    this.#found.push({ severity: "warning", message, file: this.#file, line: number, column });
  }

  /** In the order of lines. */
  list(): Diagnostic[] {
    return this.#found.toSorted((a, b) => a.line - b.line);
  }
}

/** The lines that say something: not empty, no comment, not too long. */
export function listLines(text: string, problems: Problems): Line[] {
  const lines: Line[] = [];
  for (const [index, raw] of text
    .replace(/^\uFEFF/, "")
    .split("\n")
    .entries()) {
    const line = { text: raw.trim(), number: index + 1, column: raw.length - raw.trimStart().length + 1 };
    if (line.text === "" || line.text.startsWith("#")) continue;
    if (line.text.length <= MAX_LINE_LENGTH) lines.push(line);
    else
      problems.add(line, `Cannot use line: it has ${line.text.length} characters, at most ${MAX_LINE_LENGTH} are read`);
  }
  return lines;
}

/** A URL in its normal spelling, or why it is none. */
export type RuleUrl = { readonly url: string } | { readonly problem: string };

/** Reads `/path` or `https://host/path`. Query and fragment are dropped; placeholders and `*` stay as they are. */
export function parseSource(text: string): RuleUrl {
  if (text.startsWith("/")) return toUrl("", text);
  const absolute = /^https:\/\/([^/?#]+)(.*)$/.exec(text);
  if (absolute === null) return { problem: 'it begins neither with "/" nor with "https://"' };
  const [, host = "", path = ""] = absolute;
  if (/:\d+$/.test(host)) return { problem: "a host takes no port here" };
  return toUrl(`https://${lowerLiterals(host)}`, path);
}

/** Reads where a redirect leads: as a source, but query and fragment stay, and ports are allowed. */
export function parseDestination(text: string): RuleUrl {
  if (text.startsWith("/")) return toUrl("", text, { keepsQuery: true });
  const absolute = /^https:\/\/([^/?#]+)(.*)$/.exec(text);
  if (absolute === null) return { problem: 'its destination begins neither with "/" nor with "https://"' };
  return toUrl(`https://${absolute[1]}`, absolute[2] ?? "", { keepsQuery: true });
}

function toUrl(origin: string, path: string, options: { keepsQuery?: boolean } = {}): RuleUrl {
  const parsed = URL.parse(`http://host${path}`);
  if (parsed === null) return { problem: "it is not a URL" };
  const rest = options.keepsQuery ? `${parsed.search}${parsed.hash}` : "";
  return { url: `${origin}${parsed.pathname}${rest}` };
}

/** Host names are compared in lower case; names of placeholders are not host names. */
function lowerLiterals(host: string): string {
  return host.replace(/:[A-Za-z]\w*|[A-Z]+/g, (text) => (text.startsWith(":") ? text : text.toLowerCase()));
}
