/**
 * Hosts a Worker's `{ fetch }` on `node:http`, for containers: bodies stream both ways, and SIGTERM lets what is in
 * flight end.
 */

import { createServer } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

/**
 * Listens on $PORT, or 8080. An error of the handler is logged and answered with 500.
 *
 * @param {{ fetch(request: Request): Response | Promise<Response> }} handler
 */
export function serve(handler, port = Number(process.env.PORT ?? 8080)) {
  let isStopping = false;
  const server = createServer(async (incoming, outgoing) => {
    await answer(handler, incoming, outgoing);
    if (isStopping) server.closeIdleConnections();
  });
  const stop = () => {
    isStopping = true;
    server.close();
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
  server.listen(port);
}

async function answer(handler, incoming, outgoing) {
  const gone = new AbortController();
  outgoing.once("close", () => gone.abort());
  const request = toRequest(incoming, gone.signal);
  if (request === undefined) return refuse(outgoing, 400, "This is no request that can be answered");
  try {
    const { status, headers, body } = await handler.fetch(request);
    outgoing.writeHead(status, [...headers].flat());
    if (body === null || request.method === "HEAD") outgoing.end();
    else await pipeline(body, outgoing);
  } catch (thrown) {
    // because a client that has left is no failure of the handler
    if (gone.signal.aborted) return;
    console.error(thrown);
    refuse(outgoing, 500, "The function failed");
  }
}

/** `undefined` for an address or a method that `Request` does not take. */
function toRequest(incoming, signal) {
  const { method, url, headers, rawHeaders } = incoming;
  if (!url.startsWith("/")) return undefined;
  const pairs = [];
  for (let i = 0; i < rawHeaders.length; i += 2) pairs.push([rawHeaders[i], rawHeaders[i + 1]]);
  const body = method === "GET" || method === "HEAD" ? null : Readable.toWeb(incoming);
  try {
    const address = new URL(`http://${headers.host ?? "localhost"}${url}`);
    return new Request(address, { method, headers: pairs, body, duplex: "half", signal });
  } catch {
    return undefined;
  }
}

function refuse(outgoing, status, reason) {
  if (outgoing.headersSent) outgoing.destroy();
  else outgoing.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(`${reason}\n`);
}
