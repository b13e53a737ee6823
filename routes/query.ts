/**
 * The query string of the gallery and of the API, checked in one place.
 */

import type { Selection } from "./model.ts";
import type { Fault } from "./problem.ts";

export const PAGE_MEMES = 9;
const MAX_LIMIT = 50;
const MAX_PAGE = 10_000;
const MAX_TEXT_CHARACTERS = 100;

/** The selection, or everything that is wrong with it. */
export type ParsedSelection =
  | { readonly ok: true; readonly selection: Selection }
  | { readonly ok: false; readonly faults: readonly Fault[] };

/**
 * Reads `page` (1 to 10 000), `limit` (1 to 50), `tag` and `q` (each up to 100 characters). An empty `tag` or `q` is as
 * good as none, because forms send those.
 */
export function parseSelection(query: Readonly<Record<string, string>>): ParsedSelection {
  const faults: Fault[] = [];

  const readCount = (name: string, fallback: number, max: number): number => {
    const text = query[name];
    if (text === undefined) return fallback;
    const count = /^[1-9]\d{0,6}$/.test(text) ? Number(text) : Number.NaN;
    if (count <= max) return count;
    faults.push({ name, reason: `must be a whole number from 1 to ${max}` });
    return fallback;
  };
  const readText = (name: string): string | undefined => {
    const text = query[name]?.trim();
    if (text && text.length > MAX_TEXT_CHARACTERS) {
      faults.push({ name, reason: `must have at most ${MAX_TEXT_CHARACTERS} characters` });
    }
    return text || undefined;
  };

  const selection = {
    page: readCount("page", 1, MAX_PAGE),
    limit: readCount("limit", PAGE_MEMES, MAX_LIMIT),
    tag: readText("tag"),
    q: readText("q"),
  };
  return faults.length === 0 ? { ok: true, selection } : { ok: false, faults };
}
