/**
 * Finds what an author may have meant by a word that is not known.
 */

const MAX_DISTANCE = 3;

/**
 * The closest candidate at an edit distance of at most 3, and less than half of the word; the first of several.
 *
 *     findMeant("compatability_date", ["main", "compatibility_date"])  →  "compatibility_date"
 *     findMeant("xyz", ["main", "ai"])                                 →  undefined
 */
export function findMeant(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.min(MAX_DISTANCE + 1, Math.ceil(word.length / 2));
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) >= bestDistance) continue;
    const distance = toEditDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** The hint that goes with `findMeant`. */
export function findMeantHint(word: string, candidates: Iterable<string>): string | undefined {
  const meant = findMeant(word, candidates);
  return meant === undefined ? undefined : `did you mean "${meant}"?`;
}

/**
 * Insertions, deletions, substitutions and swaps of neighbours that lead from one word to the other.
 * @see https://en.wikipedia.org/wiki/Damerau%E2%80%93Levenshtein_distance#Optimal_string_alignment_distance
 */
function toEditDistance(from: string, to: string): number {
  let before: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const isSame = from[i - 1] === to[j - 1];
      let least = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (isSame ? 0 : 1));
      const isSwap = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      if (isSwap) least = Math.min(least, (before[j - 2] ?? 0) + 1);
      row.push(least);
    }
    [before, last] = [last, row];
  }
  return last[to.length] ?? 0;
}
