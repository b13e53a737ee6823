/**
 * Of many texts, the longest that begins (or ends) another text.
 *
 *     at "start"   ["/", "/img/", "/img/a"]   "/img/b"        →  "/img/", then "/"
 *     at "end"     ["", ".example.com"]       "a.example.com" →  ".example.com", then ""
 *
 * A sorted list and binary search: every text that begins `x` and is in the list is `x`'s predecessor there, or begins
 * that predecessor. So each entry knows the next shorter one that begins it, and nothing is allocated while searching.
 */

/** One text of the list; `shorter` is the next best answer for every text that this one answers. */
export interface Candidate<V> {
  readonly affix: string;
  readonly value: V;
  readonly shorter: Candidate<V> | undefined;
}

/** Where the texts must stand in the one that is looked up. */
export type Side = "start" | "end";

interface Order {
  compare(a: string, b: string): number;
  holds(text: string, affix: string): boolean;
}

const ORDERS: Readonly<Record<Side, Order>> = {
  start: {
    compare: (a, b) => (a < b ? -1 : a > b ? 1 : 0),
    holds: (text, affix) => text.startsWith(affix),
  },
  end: { compare: compareFromEnd, holds: (text, affix) => text.endsWith(affix) },
};

/** Makes the search. It takes O(log n) comparisons and returns the longest candidate; follow `shorter` for the others. */
export function createLongestMatch<V>(
  values: ReadonlyMap<string, V>,
  side: Side,
): (text: string) => Candidate<V> | undefined {
  const { compare, holds } = ORDERS[side];
  const sorted = toCandidates(values, ORDERS[side]);
  return (text) => {
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compare(sorted[middle]?.affix ?? "", text) <= 0) low = middle + 1;
      else high = middle;
    }
    let candidate = sorted[low - 1];
    while (candidate !== undefined && !holds(text, candidate.affix)) candidate = candidate.shorter;
    return candidate;
  };
}

function toCandidates<V>(values: ReadonlyMap<string, V>, { compare, holds }: Order): readonly Candidate<V>[] {
  const sorted: Candidate<V>[] = [];
  for (const [affix, value] of [...values].sort(([a], [b]) => compare(a, b))) {
    let shorter = sorted.at(-1);
    while (shorter !== undefined && !holds(affix, shorter.affix)) shorter = shorter.shorter;
    sorted.push({ affix, value, shorter });
  }
  return sorted;
}

function compareFromEnd(a: string, b: string): number {
  let i = a.length;
  let j = b.length;
  while (i > 0 && j > 0) {
    const difference = a.charCodeAt(--i) - b.charCodeAt(--j);
    if (difference !== 0) return difference;
  }
  return i - j;
}
