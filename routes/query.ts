/**
 * The query string of the gallery and of the API, checked in one place.
 */

import type { Order, Selection } from "./model.ts";
import type { Fault } from "./problem.ts";
import { clean, countCharacters } from "./text.ts";

export const PAGE_MEMES = 9;
/** The bounds of the parameters; openapi.json tells them to programs. */
export const BOUNDS = { limit: 50, page: 1_000, text: 100 } as const;
const ORDERS: readonly string[] = ["newest", "top"] satisfies Order[];

/** The selection, or everything that is wrong with it. */
export type ParsedSelection =
  | { readonly ok: true; readonly selection: Selection }
  | { readonly ok: false; readonly faults: readonly Fault[] };

/**
 * Reads `page` (1 to 1 000), `limit` (1 to 50), `order` (`newest` or `top`), `tag` and `q` (each up to 100 characters).
 * An empty `tag` or `q` is as good as none, because forms send those.
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
    const text = clean(query[name] ?? "");
    if (countCharacters(text) > BOUNDS.text) {
      faults.push({ name, reason: `must have at most ${BOUNDS.text} characters` });
    }
    return text || undefined;
  };
  const readOrder = (): Order | undefined => {
    const text = query.order;
    if (text !== undefined && !ORDERS.includes(text)) faults.push({ name: "order", reason: "must be newest or top" });
    return text === "top" ? "top" : undefined;
  };

  const selection = {
    page: readCount("page", 1, BOUNDS.page),
    limit: readCount("limit", PAGE_MEMES, BOUNDS.limit),
    order: readOrder(),
    tag: readText("tag"),
    q: readText("q"),
  };
  return faults.length === 0 ? { ok: true, selection } : { ok: false, faults };
}
