/**
 * How text looks on a terminal: emphasis where a person reads, and columns.
 */

/** Marks text for a terminal, or leaves it as it is. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  yellow(text: string): string;
  green(text: string): string;
}

const plain = (text: string): string => text;
const sgr =
  (code: number) =>
  (text: string): string =>
    `\u001b[${code}m${text}\u001b[0m`;

/** Colours on a terminal, unless NO_COLOR is set to anything. @see https://no-color.org */
export function createStyle({
  isTty,
  env,
}: {
  isTty: boolean;
  env: Readonly<Record<string, string | undefined>>;
}): Style {
  const hasColour = isTty && !env.NO_COLOR && env.TERM !== "dumb";
  if (!hasColour) return { bold: plain, dim: plain, red: plain, yellow: plain, green: plain };
  return { bold: sgr(1), dim: sgr(2), red: sgr(31), yellow: sgr(33), green: sgr(32) };
}

/**
 * Rows in columns as wide as their widest cell, two spaces between.
 *
 *     formatTable([["function", "url"], ["hello", "http://…"]])  →  "function  url\nhello     http://…"
 */
export function formatTable(rows: readonly (readonly string[])[], { indent = "" }: { indent?: string } = {}): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  }
  return rows
    .map((row) => indent + row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "))
    .map((line) => line.trimEnd())
    .join("\n");
}

/** Words into lines of at most `width` characters. */
export function wrapText(text: string, width: number): string {
  const lines = [""];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1) ?? "";
    if (last !== "" && last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = last === "" ? word : `${last} ${word}`;
  }
  return lines.join("\n");
}
