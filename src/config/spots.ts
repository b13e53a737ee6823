/**
 * Spots: where keys and values stand, as a tree of the same form as the value, so that looking up costs no search.
 */

import { createLocator, type Source } from "./source.ts";

/** One key or list element: offsets of its name and of its value, and what is inside. */
export interface Spot {
  readonly keyAt: number;
  readonly valueAt: number;
  /** By key, or by index written as text. */
  readonly children: ReadonlyMap<string, Spot>;
}

/** Answers for a text whose spots are known. */
export function createFinder(root: Spot, text: string): Source["positionOf"] {
  const locate = createLocator(text);
  return (path, part) => {
    let spot = root;
    for (const segment of path) {
      const next = spot.children.get(String(segment));
      if (next === undefined) return locate(spot.keyAt);
      spot = next;
    }
    return locate(part === "key" ? spot.keyAt : spot.valueAt);
  };
}
