/**
 * The rows and columns of `nebula top`: one row for each function and engine, and for processes that functions share.
 */

import type { FormTop, Top, UsageTop } from "../../model/top.ts";
import { toCount, toDuration, toMemory, toPercent, toRate } from "./figures.ts";

/** One row. What it does not have is not there: shared processes have no requests of their own. */
export interface Row {
  readonly name: string;
  readonly engine: string;
  readonly form?: FormTop;
  readonly usage?: UsageTop;
}

/** One column. */
export interface Column {
  readonly title: string;
  readonly isText?: boolean;
  /** The lower, the longer it stays when there is no room for all. */
  readonly rank: number;
  /** Rows may be sorted by it. */
  readonly sort?: Sort;
  /** `undefined`: there is nothing to tell. */
  toText(row: Row): string | undefined;
  /** What is worth a look when it is not zero. */
  readonly tone?: "red" | "yellow";
}

/** Every row, in the node's order. */
export function toRows({ functions, shared }: Top): Row[] {
  const forms = functions.flatMap(({ name, forms }) =>
    forms.map((form): Row => ({ name, engine: form.engine, form, ...(form.usage && { usage: form.usage }) })),
  );
  return [...forms, ...shared.map(({ engine, usage }): Row => ({ name: "(shared processes)", engine, usage }))];
}

/** By what rows may be sorted, in the order of the key. */
export const SORTS = ["requests/s", "cpu", "memory", "name"] as const;
/** One of those. */
export type Sort = (typeof SORTS)[number];

const FIGURES: Readonly<Record<Exclude<Sort, "name">, (row: Row) => number | undefined>> = {
  "requests/s": ({ form }) => form?.requests.perSecond.last1s,
  cpu: ({ usage }) => usage?.cpuRatio,
  memory: ({ usage }) => usage?.memoryBytes,
};

/** The largest first, what has no figure last; rows that are equal by name. */
export function sortRows(rows: readonly Row[], sort: Sort): Row[] {
  const byName = (a: Row, b: Row) => a.name.localeCompare(b.name) || a.engine.localeCompare(b.engine);
  if (sort === "name") return rows.toSorted(byName);
  const figure = FIGURES[sort];
  return rows.toSorted((a, b) => (figure(b) ?? -1) - (figure(a) ?? -1) || byName(a, b));
}

const count = (pick: (form: FormTop) => number) => (row: Row) => row.form && toCount(pick(row.form));
const phase = (name: "queue" | "start" | "run", at: "p50Ms" | "p99Ms") => (row: Row) => {
  const found = row.form?.requests.phases[name];
  return found && toDuration(found[at]);
};
const sumErrors = ({ requests: { errors } }: FormTop) => errors.caller + errors.owner + errors.host;

/** Every column, from left to right. */
export const COLUMNS: readonly Column[] = [
  { title: "function", isText: true, rank: 0, sort: "name", toText: ({ name }) => name },
  { title: "engine", isText: true, rank: 2, toText: ({ engine }) => engine },
  { title: "req/s", rank: 1, sort: "requests/s", toText: ({ form }) => form && toRate(form.requests.perSecond.last1s) },
  {
    title: "cpu %",
    rank: 3,
    sort: "cpu",
    toText: ({ usage }) => (usage?.cpuRatio === undefined ? undefined : toPercent(usage.cpuRatio)),
  },
  { title: "memory", rank: 4, sort: "memory", toText: ({ usage }) => usage && toMemory(usage.memoryBytes) },
  { title: "busy", rank: 6, toText: count(({ instances }) => instances.busy) },
  { title: "idle", rank: 7, toText: count(({ instances }) => instances.idle) },
  { title: "starting", rank: 16, toText: count(({ instances }) => instances.starting) },
  { title: "frozen", rank: 14, toText: count(({ instances }) => instances.frozen) },
  { title: "stopped", rank: 15, toText: count(({ instances }) => instances.stopped) },
  { title: "waiting", rank: 13, tone: "yellow", toText: count(({ instances }) => instances.waiting) },
  { title: "cold", rank: 8, toText: count(({ requests }) => requests.starts.cold) },
  { title: "thaw", rank: 12, toText: count(({ requests }) => requests.starts.thaw) },
  { title: "warm", rank: 11, toText: count(({ requests }) => requests.starts.warm) },
  { title: "errors", rank: 9, tone: "red", toText: count(sumErrors) },
  { title: "queue p99", rank: 18, toText: phase("queue", "p99Ms") },
  { title: "start p50", rank: 17, toText: phase("start", "p50Ms") },
  { title: "start p99", rank: 10, toText: phase("start", "p99Ms") },
  { title: "run p50", rank: 9, toText: phase("run", "p50Ms") },
  { title: "run p99", rank: 5, toText: phase("run", "p99Ms") },
];
