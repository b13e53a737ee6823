/**
 * SQL text → its statements, as SQLite itself would tell them apart: a semicolon ends one, unless it stands in a text, a
 * quoted name, a comment or the body of a trigger.
 *
 *     splitStatements("CREATE TABLE a(b); -- c;\nINSERT INTO a VALUES (';')")
 *     →  [{ sql: "CREATE TABLE a(b)", line: 1 }, { sql: "INSERT INTO a VALUES (';')", line: 2 }]
 *
 * Knows no more of SQL than that.
 * @see https://sqlite.org/c3ref/complete.html
 */

/** One statement, without its semicolon and without what stands around it. */
export interface SqlStatement {
  readonly sql: string;
  /** Where it begins; the first line is 1. */
  readonly line: number;
}

/** A word, a semicolon, or anything else that is neither white space nor comment. An open text or comment goes on to the end. */
const TOKEN =
  /(?<blank>\s+|--[^\n]*|\/\*(?:[^*]|\*(?!\/))*(?:\*\/|$))|(?<word>[\p{L}_][\p{L}\p{N}_$]*)|(?<end>;)|'(?:[^']|'')*(?:'|$)|"(?:[^"]|"")*(?:"|$)|`(?:[^`]|``)*(?:`|$)|\[[^\]]*(?:\]|$)|[\s\S]/gu;

/** How a statement begins that goes on behind its first semicolon. */
const TRIGGER = /^(?:EXPLAIN (?:QUERY PLAN )?)?CREATE (?:TEMP |TEMPORARY )?TRIGGER $/;
/** The words of the longest such beginning. */
const MAX_HEAD_WORDS = 6;

/** Tells statements apart. What is nothing but comments is none; the last one needs no semicolon. */
export function splitStatements(text: string): readonly SqlStatement[] {
  const statements: SqlStatement[] = [];
  const lines = new LineCounter(text);
  let start = -1;
  let end = 0;
  let head = "";
  let words = 0;
  let isTrigger = false;
  /** Of a trigger: `;`, and then `END`. */
  let tail = "";
  const finish = () => {
    if (start >= 0) statements.push({ sql: text.slice(start, end), line: lines.at(start) });
    start = -1;
    head = "";
    words = 0;
    isTrigger = false;
    tail = "";
  };
  for (const { index, 0: token, groups } of text.matchAll(TOKEN)) {
    if (groups?.blank !== undefined) continue;
    if (groups?.end !== undefined && (!isTrigger || tail === ";END")) {
      finish();
      continue;
    }
    if (start < 0) start = index;
    end = index + token.length;
    if (groups?.word !== undefined && words < MAX_HEAD_WORDS) {
      words += 1;
      head += `${token.toUpperCase()} `;
      isTrigger ||= TRIGGER.test(head);
    }
    if (groups?.end !== undefined) tail = ";";
    else tail = tail === ";" && token.toUpperCase() === "END" ? ";END" : "";
  }
  finish();
  return statements;
}

/** A name as SQL has it, whatever is in it. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Asked for places that only move forward. */
class LineCounter {
  readonly #text: string;
  #place = 0;
  #line = 1;

  constructor(text: string) {
    this.#text = text;
  }

  at(place: number): number {
    for (let at = this.#text.indexOf("\n", this.#place); at >= 0 && at < place; at = this.#text.indexOf("\n", at + 1)) {
      this.#line += 1;
      this.#place = at + 1;
    }
    return this.#line;
  }
}
