/**
 * Findings as text for a terminal.
 */

import type { Findings, Table } from "./scenario.ts";
import { round } from "./stats.ts";

export function toText(findings: Findings): string {
  const parts = findings.tables.map(toTableText);
  const { reaches, unavailable, notes } = findings;
  if (reaches.length > 0) {
    const rows = reaches.map(({ what, wanted, measured, isReached }) => [
      isReached ? "✓" : "✗",
      what,
      wanted,
      measured,
    ]);
    parts.push(toTableText({ title: "Reach", columns: ["", "what", "wanted", "measured"], rows }));
  }
  const missing = Object.entries(unavailable).map(([name, reason]) => `${name}: not available: ${reason}`);
  const lines = [...missing, ...notes.map((note) => `note: ${note}`)];
  if (lines.length > 0) parts.push(`${lines.join("\n")}\n`);
  return parts.join("\n");
}

/** Numbers stand right, words left. */
function toTableText({ title, columns, rows }: Table): string {
  const cells = [columns, ...rows.map((row) => row.map(toCell))];
  const widths = columns.map((_, column) => Math.max(...cells.map((row) => [...(row[column] ?? "")].length)));
  const isNumeric = columns.map((_, column) => rows.some((row) => typeof row[column] === "number"));
  const toLine = (row: readonly string[]) =>
    row
      .map((cell, column) => {
        const blank = " ".repeat((widths[column] ?? 0) - [...cell].length);
        return isNumeric[column] ? blank + cell : cell + blank;
      })
      .join("  ")
      .trimEnd();
  const [head = [], ...body] = cells;
  const rule = widths.map((width) => "─".repeat(width)).join("  ");
  return `${[title, "", toLine(head), rule, ...body.map(toLine)].join("\n")}\n`;
}

function toCell(value: string | number): string {
  if (typeof value === "string") return value;
  if (Number.isNaN(value)) return "–";
  return Math.abs(value) >= 1_000 ? Math.round(value).toLocaleString("en").replaceAll(",", " ") : String(round(value));
}
