/**
 * `nebula top` as lines of text. Pure: what is seen and how large the place is go in, lines that fit come out.
 *
 *     nebula 0.1.0   up 2 h 13 min   cpu 12.3 %   memory 183 MiB
 *     2 functions   345 requests/s   3 instances
 *
 *     function  engine   req/s▾  cpu %    memory
 *     hello     isolate     345   11.9  24.1 MiB
 *     …
 *     1–2 of 2   q quit   s sort by cpu   ↑↓ scroll
 */

import type { Top } from "../../model/top.ts";
import type { Style } from "../style.ts";
import { COLUMNS, type Column, type Row, SORTS, type Sort, sortRows, toRows } from "./columns.ts";
import { toAge, toCount, toDuration, toMemory, toPercent, toRate } from "./figures.ts";

/** What the person before it has chosen. */
export interface View {
  readonly sort: Sort;
  /** The first row shown. */
  readonly offset: number;
}

/** What there is room for. */
export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** How it is at first. */
export const FIRST_VIEW: View = { sort: "requests/s", offset: 0 };

const GAP = "  ";
const PART_GAP = "   ";
const NAME_LIMIT = 32;
const SHORTEST_NAME = 14;
const MARKS: Readonly<Record<Sort, string>> = { "requests/s": "▾", cpu: "▾", memory: "▾", name: "▴" };
/** Two lines of the node, an empty one, the titles; and the keys below. */
const LINES_AROUND = 5;

/** How many rows there is room for. */
export function countVisible({ rows }: Size): number {
  return Math.max(1, rows - LINES_AROUND);
}

/** The whole screen. */
export function renderScreen(top: Top, view: View, { size, style }: { size: Size; style: Style }): string[] {
  const rows = toRows(top);
  const shown = sortRows(rows, view.sort).slice(view.offset, view.offset + countVisible(size));
  const lines = [
    ...renderHead(top, { columns: size.columns, style }),
    "",
    ...renderTable(rows, shown, { sort: view.sort, columns: size.columns, style }),
  ];
  while (lines.length < size.rows - 1) lines.push("");
  const range =
    rows.length === 0 ? "no functions" : `${view.offset + 1}–${view.offset + shown.length} of ${rows.length}`;
  const next = SORTS[(SORTS.indexOf(view.sort) + 1) % SORTS.length];
  const keys = fitParts([range, "q quit", `s sort by ${next}`, "↑↓ scroll"], size.columns);
  return [...lines.slice(0, Math.max(0, size.rows - 1)), style.dim(keys)];
}

/** The same once, as wide and as long as it is, for who is no terminal. */
export function renderOnce(top: Top, style: Style): string {
  const columns = Number.POSITIVE_INFINITY;
  const { sort } = FIRST_VIEW;
  const rows = sortRows(toRows(top), sort);
  const lines = [...renderHead(top, { columns, style }), "", ...renderTable(rows, rows, { sort, columns, style })];
  return lines.map((line) => line.trimEnd()).join("\n");
}

function renderHead({ node, functions }: Top, { columns, style }: { columns: number; style: Style }): string[] {
  const forms = functions.flatMap((each) => each.forms);
  const sum = (pick: (form: (typeof forms)[number]) => number) => forms.reduce((total, form) => total + pick(form), 0);
  const rest = sum(({ instances }) => instances.frozen + instances.stopped);
  const waiting = sum(({ instances }) => instances.waiting);
  const { cpuRatio, pssBytes, loopDelay } = node;
  const first = [
    `nebula ${node.version}`,
    `up ${toAge(node.uptimeMs)}`,
    ...(cpuRatio === undefined ? [] : [`cpu ${toPercent(cpuRatio)} %`]),
    `memory ${toMemory(node.memoryBytes)}`,
    ...(pssBytes === undefined ? [] : [`pss ${toMemory(pssBytes)}`]),
    ...(loopDelay === undefined ? [] : [`event loop p99 ${toDuration(loopDelay.p99Ms).replace("  ", " ")}`]),
  ];
  const second = [
    toPlural(functions.length, "function"),
    `${toRate(sum(({ requests }) => requests.perSecond.last1s))} requests/s`,
    `${toRate(sum(({ requests }) => requests.perSecond.last60s))} over a minute`,
    toPlural(
      sum(({ instances: { busy, idle, starting } }) => busy + idle + starting),
      "instance",
    ),
    ...(rest === 0 ? [] : [`${toCount(rest)} at rest`]),
    ...(waiting === 0 ? [] : [`${toCount(waiting)} waiting`]),
  ];
  return [style.bold(fitParts(first, columns)), fitParts(second, columns)];
}

interface TableOptions {
  readonly sort: Sort;
  readonly columns: number;
  readonly style: Style;
}

interface Fitted {
  readonly column: Column;
  readonly title: string;
  readonly width: number;
}

/** Columns are as wide as all rows want them, so that nothing moves when the rows shown do. */
function renderTable(rows: readonly Row[], shown: readonly Row[], { sort, columns, style }: TableOptions): string[] {
  const fitted = fitColumns(rows, { sort, columns });
  const titles = fitted.map(({ column, title, width }) => align(title, width, column)).join(GAP);
  const body = shown.map((row) =>
    fitted.map(({ column, width }) => renderCell(column.toText(row), { column, width, style })).join(GAP),
  );
  return [style.bold(titles), ...body];
}

/** Those of the lowest ranks for which there is room. The first is cut where even that is too much. */
function fitColumns(rows: readonly Row[], { sort, columns }: { sort: Sort; columns: number }): Fitted[] {
  const all = COLUMNS.map((column) => {
    // A place for the mark where there may be one, so that nothing moves when it does.
    const title =
      column.sort === undefined ? column.title : `${column.title}${column.sort === sort ? MARKS[sort] : " "}`;
    const widest = rows.reduce((width, row) => Math.max(width, column.toText(row)?.length ?? 1), title.length);
    return { column, title, width: Math.min(widest, NAME_LIMIT) };
  });
  // What rows are sorted by is seen.
  const toRank = ({ rank, sort: own }: Column) => (own === sort && rank > 0 ? 0.5 : rank);
  const [name, ...others] = all.toSorted((a, b) => toRank(a.column) - toRank(b.column));
  if (name === undefined) return [];
  const kept = new Set([name]);
  const least = Math.min(name.width, SHORTEST_NAME);
  let left = columns - least;
  for (const each of others) {
    left -= each.width + GAP.length;
    if (left < 0) break;
    kept.add(each);
  }
  const taken = [...kept].reduce((sum, each) => sum + (each === name ? 0 : each.width + GAP.length), 0);
  const nameWidth = Math.max(Math.min(least, columns), Math.min(name.width, columns - taken));
  return all.filter((each) => kept.has(each)).map((each) => (each === name ? { ...each, width: nameWidth } : each));
}

function renderCell(
  text: string | undefined,
  { column, width, style }: { column: Column; width: number; style: Style },
): string {
  const cell = align(text ?? "-", width, column);
  if (text === undefined || text === "0") return style.dim(cell);
  return column.tone === undefined ? cell : style[column.tone](cell);
}

function align(text: string, width: number, { isText = false }: Column): string {
  const cut = text.length > width ? `${text.slice(0, Math.max(0, width - 1))}…` : text;
  return isText ? cut.padEnd(width) : cut.padStart(width);
}

/** As many as there is room for, from the first on. */
function fitParts(parts: readonly string[], columns: number): string {
  let line = "";
  for (const part of parts) {
    const longer = line === "" ? part : `${line}${PART_GAP}${part}`;
    if (longer.length > columns) break;
    line = longer;
  }
  return line;
}

function toPlural(count: number, noun: string): string {
  return `${toCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}
