/**
 * `nebula list`: the functions of a running node.
 */

import { createClient } from "../../client/client.ts";
import { getNode } from "../../client/find-node.ts";
import type { FunctionStatus } from "../../model/control.ts";
import { defineCommand } from "../command.ts";
import { listStateDirs, NODE_ENV, STATE_ARG } from "../common-args.ts";
import { toLimitRows } from "../limits-table.ts";
import { formatTable } from "../style.ts";

export default defineCommand({
  meta: {
    name: "list",
    about: "Lists the functions of the running node: engine, instances (starting, idle, busy), deployment and URL.",
    examples: [
      { line: "nebula list", summary: "every function" },
      { line: "nebula list --limits", summary: "with the limits of each, and the defaults" },
    ],
    env: NODE_ENV,
  },
  args: {
    ...STATE_ARG,
    limits: { type: "flag", summary: "Show each function's limits and scaling, with the defaults" },
  },
  async run({ args, io, print, signal }) {
    const stateDirs = listStateDirs({ stateDir: args.stateDir, cwd: io.cwd });
    const client = createClient(await getNode({ stateDirs, env: io.env }));
    const functions = await client.listFunctions({ signal });
    print.result({ functions }, args.limits ? formatLimits(functions) : formatFunctions(functions));
    return 0;
  },
});

function formatFunctions(functions: readonly FunctionStatus[]): string {
  if (functions.length === 0) return "no functions";
  const rows = functions.map(({ name, engine, instances, deployment, urls, routes }) => [
    name,
    engine,
    `${instances.starting}/${instances.idle}/${instances.busy}`,
    deployment.id,
    urls[0] ?? "-",
    routes.join(" ") || "-",
  ]);
  return formatTable([["function", "engine", "instances", "deployment", "url", "routes"], ...rows]);
}

function formatLimits(functions: readonly FunctionStatus[]): string {
  if (functions.length === 0) return "no functions";
  return functions
    .map((status) => `${status.name}\n${formatTable(toLimitRows(status), { indent: "  " })}`)
    .join("\n\n");
}
