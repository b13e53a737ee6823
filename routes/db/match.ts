/**
 * What a visitor typed, as a question to FTS5.
 *
 * Only letters and digits are left of it, each word in quotes: no input can be an operator, a column or an error.
 *
 * @see https://www.sqlite.org/fts5.html#full_text_query_syntax
 */

const MAX_WORDS = 12;

/** `Reviewer "two` → `"Reviewer" "two"*`. All words must occur, of the last one the beginning. `undefined`: no words. */
export function toMatch(typed: string): string | undefined {
  const words = typed.match(/[\p{L}\p{N}][\p{L}\p{N}\p{M}]*/gu)?.slice(0, MAX_WORDS);
  return words && `${words.map((word) => `"${word}"`).join(" ")}*`;
}
