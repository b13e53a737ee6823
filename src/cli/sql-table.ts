/**
 * Rows of a database for people: one table for each statement that gave rows, one line for each that did not.
 */

import type { QueryResult, WireValue } from "../model/storage-api.ts";
import { formatMs } from "../model/units.ts";
import { clean } from "./clean.ts";
import { formatTable } from "./style.ts";

const MAX_CELL = 80;
const MAX_BLOB = 16;

/** What statements gave, one below the other. */
export function formatResults(results: readonly QueryResult[]): string {
  return results.map(formatResult).join("\n\n");
}

function formatResult({ columns, rows, meta }: QueryResult): string {
  const { changes, durationMs } = meta;
  if (columns.length === 0) return `${count(changes, "row")} changed in ${formatMs(durationMs)}`;
  const table = formatTable([columns.map(toCell), ...rows.map((row) => row.map(toCell))]);
  return `${table}\n${count(rows.length, "row")} in ${formatMs(durationMs)}`;
}

/** As wrangler prints them with `--json`: rows as objects, with what they cost. */
export function toJsonResults(results: readonly QueryResult[]): unknown[] {
  return results.map(({ columns, rows, meta }) => ({
    results: rows.map((row) => Object.fromEntries(columns.map((column, i) => [column, row[i] ?? null]))),
    success: true,
    meta: {
      duration: meta.durationMs,
      changes: meta.changes,
      last_row_id: meta.lastRowId,
      rows_read: meta.rowsRead,
      rows_written: meta.rowsWritten,
    },
  }));
}

/** One line without control characters, as far as a line goes. */
function toCell(value: WireValue): string {
  if (value === null) return "null";
  if (typeof value === "object") {
    const shown = Buffer.from(value.slice(0, MAX_BLOB)).toString("hex");
    return `x'${shown}${value.length > MAX_BLOB ? "…" : ""}' (${value.length} bytes)`;
  }
  const text = clean(String(value)).replace(/\s+/g, " ");
  return text.length > MAX_CELL ? `${text.slice(0, MAX_CELL - 1)}…` : text;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
