/**
 * `nebula invoke`: one request to a function, its body on stdout and the phases of its invocation on stderr.
 */

import { createClient } from "../../client/client.ts";
import { getNode } from "../../client/find-node.ts";
import { NebulaError } from "../../model/errors.ts";
import { defineCommand } from "../command.ts";
import { listStateDirs, NODE_ENV, STATE_ARG } from "../common-args.ts";
import { type Invoked, openBody, parseHeaders, printBody, readAll, readProblem, sendRequest } from "../data-request.ts";
import { formatPhases, parseServerTiming } from "../server-timing.ts";

export default defineCommand({
  meta: {
    name: "invoke",
    about:
      "Sends one request to a function of the running node and prints the body as it comes; the status and the phases " +
      "(route, queue, start, run) go to stderr. Any status of the function itself is an answer; a failure of the " +
      "invocation, told by the node, is an error.",
    examples: [
      { line: "nebula invoke hello", summary: "GET /" },
      { line: "nebula invoke hello --path '/a?b=1' -H 'accept: text/html'", summary: "another path, a header" },
      { line: "nebula invoke hello --data @order.json", summary: "POST a file, streamed" },
      { line: "date | nebula invoke hello --data -", summary: "POST what comes in" },
    ],
    env: NODE_ENV,
  },
  args: {
    name: { type: "positional", summary: "The function" },
    method: { type: "text", short: "X", value: "method", summary: "GET, or POST with --data, unless given" },
    header: { type: "list", short: "H", value: "name: value", summary: "A request header" },
    data: { type: "text", short: "d", value: "text", summary: "The body; @file reads a file, - standard input" },
    path: { type: "text", value: "path", default: "/", summary: "Path and query" },
    ...STATE_ARG,
  },
  async run({ args, io, print, signal }) {
    const headers = parseHeaders(args.header);
    const stateDirs = listStateDirs({ stateDir: args.stateDir, cwd: io.cwd });
    const client = createClient(await getNode({ stateDirs, env: io.env }));
    const [node] = await Promise.all([client.getNode({ signal }), client.getFunction(args.name, { signal })]);
    const body = args.data === undefined ? undefined : await openBody(args.data, io);
    const method = (args.method ?? (body === undefined ? "GET" : "POST")).toUpperCase();
    const { name, path } = args;
    const sent = await sendRequest({ dataUrl: node.dataUrl, name, path, method, headers, body, signal });
    const answer = await readProblem(sent);
    if (answer instanceof NebulaError) {
      print.fail(answer);
      return answer.status >= 500 ? 1 : 2;
    }
    const phases = parseServerTiming(answer.headers["server-timing"]?.toString());
    if (print.isJson) {
      print.result({ ...(await toObject(answer)), phases }, "");
      return 0;
    }
    await printBody(answer.body, io.stdout, signal);
    print.talk(print.style.dim([`${answer.status}`, ...formatPhases(phases)].join(" · ")));
    return 0;
  },
});

/** The answer as data: text where it is UTF-8, base64 otherwise. */
async function toObject({ status, headers, body }: Invoked): Promise<Record<string, unknown>> {
  const bytes = await readAll(body);
  const text = findText(bytes);
  const encoded =
    text === undefined ? { body: bytes.toString("base64"), encoding: "base64" } : { body: text, encoding: "utf8" };
  return { status, headers, ...encoded };
}

function findText(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    // because bytes that are no text are answered as base64
    return undefined;
  }
}
