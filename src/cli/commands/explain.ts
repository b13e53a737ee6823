/**
 * `nebula explain`: which engine would answer a request now, and why.
 */

import { createClient } from "../../client/client.ts";
import { getNode } from "../../client/find-node.ts";
import type { ExplainedForm, Explanation } from "../../model/control.ts";
import { formatBytes, formatMs } from "../../model/units.ts";
import { usageError } from "../args.ts";
import { clean } from "../clean.ts";
import { defineCommand } from "../command.ts";
import { listStateDirs, NODE_ENV, STATE_ARG } from "../common-args.ts";
import { formatTable, type Style } from "../style.ts";

export default defineCommand({
  meta: {
    name: "explain",
    about:
      "Tells which engine would answer a request to a function now and why, and which one after it. Shows every form of " +
      "the function: how well its engine isolates, what it runs, whether it is left alone because it keeps failing, its " +
      "instances (starting, idle, busy, frozen, stopped), and what requests and starts have taken (medians). Asks nothing " +
      "of the function itself.",
    examples: [
      { line: "nebula explain hello", summary: "GET /" },
      { line: "nebula explain fib '/?n=40'", summary: "another path, with its query" },
      { line: "nebula explain orders /new -X POST", summary: "another method" },
    ],
    env: NODE_ENV,
  },
  args: {
    name: { type: "positional", summary: "The function" },
    path: { type: "positional", default: "/", summary: "Path and query" },
    method: { type: "text", short: "X", value: "method", default: "GET", summary: "The method" },
    ...STATE_ARG,
  },
  async run({ args, io, print, signal }) {
    const { name, path } = args;
    if (!path.startsWith("/")) throw usageError(`Cannot explain "${path}": a path begins with a slash`);
    const stateDirs = listStateDirs({ stateDir: args.stateDir, cwd: io.cwd });
    const client = createClient(await getNode({ stateDirs, env: io.env }));
    const explanation = await client.explain(name, { method: args.method.toUpperCase(), path }, { signal });
    print.result(explanation, format(explanation, print.style));
    return 0;
  },
});

function format({ request, strategy, answers, next, forms }: Explanation, style: Style): string {
  const who =
    answers === undefined ? style.red("nothing can answer") : `${style.bold(answers.engine)}  ${clean(answers.why)}`;
  return [
    `${request.method} ${request.path}  →  ${who}`,
    ...(next === undefined ? [] : [`then  ${style.bold(next.engine)}  ${clean(next.why)}`]),
    ...(forms.length === 0 ? [] : ["", `strategy ${strategy}`, formatTable([HEAD, ...forms.map(toRow)])]),
    ...forms.flatMap(({ engine, failure }) => (failure === undefined ? [] : [`${engine}: ${clean(failure.message)}`])),
  ].join("\n");
}

const HEAD = ["engine", "isolation", "state", "breaker", "instances", "request", "run", "cold", "thaw", "artifact"];

function toRow({ engine, isolation, state, breaker, instances, expectedMs, estimates, artifact }: ExplainedForm) {
  const { starting, idle, busy, frozen, stopped } = instances;
  return [
    engine,
    isolation,
    state === "weaker" ? "not allowed" : state,
    breaker.state === "open" ? `open for ${formatMs(breaker.opensInMs)}` : breaker.state,
    [starting, idle, busy, frozen, stopped].join("/"),
    ...[expectedMs, estimates.runMs, estimates.coldMs, estimates.thawMs].map((ms) =>
      ms === undefined ? "-" : formatMs(ms),
    ),
    artifact === undefined ? "-" : formatArtifact(artifact),
  ];
}

function formatArtifact({ kind, digest, bytes }: NonNullable<ExplainedForm["artifact"]>): string {
  const size = bytes === undefined ? "" : ` ${formatBytes(bytes)}`;
  return `${kind}${size} ${digest.replace(/(sha256:[0-9a-f]{12})[0-9a-f]+/, "$1")}`;
}
