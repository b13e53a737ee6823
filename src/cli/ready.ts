/**
 * What a node says when it is ready: a table of its functions, and one line with its two addresses.
 */

import type { FunctionStatus } from "../model/control.ts";
import type { Outcome } from "./deployable.ts";
import type { Printer } from "./print.ts";
import { formatTable } from "./style.ts";

/** What there is to say when a node is ready. */
export interface Ready {
  readonly dataUrl: string;
  readonly controlUrl: string;
  /** What serves. */
  readonly functions: readonly FunctionStatus[];
  /** How this start's deployments went; functions that have none were deployed before. */
  readonly outcomes: readonly Outcome[];
}

/**
 * Prints it: the last line is `ready data=http://127.0.0.1:8787 control=http://127.0.0.1:8788`, in this form exactly.
 */
export function printReady(print: Printer, { dataUrl, controlUrl, functions, outcomes }: Ready): void {
  const rows = toRows(functions, outcomes);
  const table = rows.map(({ name, state, engine, url, routes }) => [
    name,
    state,
    engine ?? "-",
    url ?? "-",
    routes.join(" ") || "-",
  ]);
  const text =
    rows.length === 0 ? "no functions" : formatTable([["function", "state", "engine", "url", "routes"], ...table]);
  tellRoot(print, rows, outcomes);
  print.result(
    { ready: true, dataUrl, controlUrl, functions: rows },
    `${text}\nready data=${dataUrl} control=${controlUrl}`,
  );
}

/** Without its root project a node answers less than its owner expects. */
function tellRoot(print: Printer, rows: readonly Row[], outcomes: readonly Outcome[]): void {
  const root = outcomes.find(({ isRoot, state }) => isRoot && state === "failed");
  if (root === undefined) return;
  const isServed = rows.some(({ name, engine }) => name === root.name && engine !== undefined);
  const what = isServed ? "serves as it was before" : "does not serve: what the functions leave is answered with 404";
  print.talk(print.style.red(`the root project ${root.name} failed and ${what}`));
}

interface Row {
  readonly name: string;
  /** `active`, `failed`, `failed, an older one serves`, `from before`; and `without container` where a form is missing. */
  readonly state: string;
  readonly engine?: string;
  readonly url?: string;
  readonly routes: readonly string[];
  readonly deployment?: string;
  readonly code?: string;
  /** Forms that cannot answer; absent when all can. */
  readonly failures?: readonly FailedForm[];
}

interface FailedForm {
  readonly engine: string;
  readonly code: string;
  readonly message: string;
}

function toRows(functions: readonly FunctionStatus[], outcomes: readonly Outcome[]): Row[] {
  const failed = new Map(outcomes.flatMap((one) => (one.state === "failed" ? [[one.name, one.error.code]] : [])));
  const deployed = new Set(outcomes.map(({ name }) => name));
  const serving = functions.map(({ name, engine, urls, routes, deployment, forms }) => {
    const code = failed.get(name);
    const failures = forms.flatMap((form) => (form.failure ? [{ engine: form.engine, ...form.failure }] : []));
    const state = code !== undefined ? "failed, an older one serves" : deployed.has(name) ? "active" : "from before";
    const without = failures.length === 0 ? "" : `, without ${failures.map((form) => form.engine).join(", ")}`;
    return {
      name,
      state: state + without,
      engine,
      ...(urls[0] !== undefined && { url: urls[0] }),
      routes,
      deployment: deployment.id,
      ...(code !== undefined && { code }),
      ...(failures.length > 0 && { failures }),
    };
  });
  const names = new Set(functions.map(({ name }) => name));
  const absent = [...failed].flatMap(([name, code]) =>
    names.has(name) ? [] : [{ name, state: "failed", routes: [], code }],
  );
  return [...serving, ...absent];
}
