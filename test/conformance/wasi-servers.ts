/**
 * The servers that a WASI test wants to reach, as its description says.
 */

import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { EndpointCase, ServerCase } from "./wasi-case.ts";

/** Servers that listen, and the variables by which a program finds them. */
export interface Servers extends AsyncDisposable {
  readonly env: Readonly<Record<string, string>>;
}

export async function openServers(cases: readonly ServerCase[]): Promise<Servers> {
  const opened: Server[] = [];
  const env: Record<string, string> = {};
  for (const { name, endpoints } of cases) {
    const server = createServer((request, response) => void serve(endpoints ?? [], request, response));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    env[`HTTP_SERVER_${name.toUpperCase()}`] = `127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
    if (endpoints === undefined) await close(server);
    else opened.push(server);
  }
  return {
    env,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(opened.map(close));
    },
  };
}

async function close(server: Server): Promise<void> {
  server.close();
  server.closeAllConnections();
  if (server.listening) await once(server, "close");
}

async function serve(
  endpoints: readonly EndpointCase[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method, url } = request;
  const body: Uint8Array[] = [];
  for await (const chunk of request) body.push(chunk);
  const found = endpoints.find((each) => each.method === method && each.path === url);
  if (found === undefined) return void response.writeHead(404).end();
  if (found.mode === "echo-body") return void response.writeHead(200).end(Buffer.concat(body));
  if (found.mode === "echo-headers") return void response.writeHead(200, toEchoed(request)).end();
  const { status, headers, body: text } = found.response;
  const trailers = Object.keys(found.trailers);
  response.writeHead(status, { ...headers, ...(trailers.length > 0 && { trailer: trailers.join(", ") }) });
  for (const chunk of found.chunks ?? [text]) response.write(chunk);
  response.addTrailers(found.trailers);
  response.end();
}

/** The line, the headers and the trailers of a request, as headers. */
function toEchoed({ method, url, headers, trailers }: IncomingMessage): Record<string, string | string[]> {
  const echoed: Record<string, string | string[]> = { "x-echo-method": method ?? "", "x-echo-path": url ?? "" };
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) echoed[`x-echo-${name}`] = value;
  for (const [name, value] of Object.entries(trailers)) if (value !== undefined) echoed[`x-trailer-${name}`] = value;
  return echoed;
}
