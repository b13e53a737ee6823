/**
 * The parameters of one SQL statement, numbered as SQLite numbers them.
 *
 *     "SELECT ?, :a, ?5, :a, '?'"   →   [undefined, ":a", , , "?5"]      1 is without a name, 3 and 4 stand nowhere
 *
 * @see https://sqlite.org/c3ref/bind_blob.html
 */

/** A text, a quoted name, a comment, a parameter, a word (which may have a `$`), or nothing that matters here. */
const TOKEN =
  /'(?:[^']|'')*(?:'|$)|"(?:[^"]|"")*(?:"|$)|`(?:[^`]|``)*(?:`|$)|\[[^\]]*(?:\]|$)|--[^\n]*|\/\*(?:[^*]|\*(?!\/))*(?:\*\/|$)|(?<parameter>\?\d*|[:@$#][\p{L}\p{N}_$]+)|[\p{L}_][\p{L}\p{N}_$]*/gu;

/** At a parameter's number less one, its name as it is written; undefined where it has none. Its length is the highest number. */
export function listParameters(sql: string): readonly (string | undefined)[] {
  const found: (string | undefined)[] = [];
  if (!/[?:@$#]/.test(sql)) return found;
  for (const { groups } of sql.matchAll(TOKEN)) {
    const name = groups?.parameter;
    if (name === undefined) continue;
    if (name === "?") found.push(undefined);
    else if (name.startsWith("?")) found[Number(name.slice(1)) - 1] = name;
    else if (!found.includes(name)) found.push(name);
  }
  return found;
}
