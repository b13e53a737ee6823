/**
 * Serves a checkout's files to the tests, and a few of the handlers that WPT's own server runs in Python.
 * Which other handlers a test asked for is kept: such tests say nothing about either side.
 */

import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { extname, join, normalize } from "node:path";

export interface WptServer extends AsyncDisposable {
  readonly port: number;
  /** Handlers in Python that were asked for since the last call. */
  takeMissing(): string[];
}

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".json": "application/json",
  ".txt": "text/plain",
  ".wasm": "application/wasm",
  ".png": "image/png",
};

type Handler = (request: IncomingMessage, response: ServerResponse, query: URLSearchParams) => void;

/** By the name of the file; each does what the one of WPT does as far as these tests ask. */
const HANDLERS: Readonly<Record<string, Handler>> = {
  "echo-content.py": (request, response) => {
    response.setHeader("content-type", request.headers["content-type"] ?? "application/octet-stream");
    response.setHeader("x-request-method", request.method ?? "");
    request.pipe(response);
  },
  "method.py": (request, response) => {
    response.setHeader("x-request-method", request.method ?? "");
    response.setHeader("x-request-content-length", request.headers["content-length"] ?? "NO");
    response.setHeader("x-request-content-type", request.headers["content-type"] ?? "NO");
    request.pipe(response);
  },
  "status.py": (_request, response, query) => {
    const text = query.get("text") ?? "OMG";
    const headers = { "content-type": query.get("type") ?? "", "x-request-method": _request.method ?? "" };
    response.writeHead(Number(query.get("code") ?? 200), text, headers).end(query.get("content") ?? "");
  },
  "inspect-headers.py": (request, response, query) => {
    for (const name of (query.get("headers") ?? "").split("|")) {
      const value = request.headers[name.toLowerCase()];
      if (value !== undefined) response.setHeader(`x-request-${name}`, value);
    }
    response.end();
  },
  "redirect.py": (_request, response, query) => {
    const headers = {
      location: Buffer.from(query.get("location") ?? "").toString("latin1"),
      "content-type": "text/plain",
    };
    response.writeHead(Number(query.get("redirect_status") ?? 302), headers).end("");
  },
  "trickle.py": (_request, response, query) => {
    const parts = Number(query.get("count") ?? 50);
    const ms = Number(query.get("ms") ?? 500);
    response.writeHead(200, { "content-type": "text/plain" });
    let sent = 0;
    const timer = setInterval(() => {
      response.write("TEST_TRICKLE\n");
      sent += 1;
      if (sent >= parts) response.end();
    }, ms);
    response.on("close", () => clearInterval(timer));
  },
  "infinite-slow-response.py": (_request, response) => {
    response.writeHead(200, { "content-type": "text/plain" });
    const timer = setInterval(() => response.write("."), 100);
    response.on("close", () => clearInterval(timer));
  },
};

/** Serves until disposed, on a free port of 127.0.0.1. */
export async function openWptServer(root: string): Promise<WptServer> {
  const missing = new Set<string>();
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
    const file = join(root, normalize(decodeURIComponent(pathname)));
    const name = pathname.slice(pathname.lastIndexOf("/") + 1);
    const handler = HANDLERS[name];
    response.setHeader("access-control-allow-origin", "*");
    if (handler !== undefined) return handler(request, response, searchParams);
    if (name.endsWith(".py")) missing.add(name);
    if (name.endsWith(".py") || !existsSync(file) || !statSync(file).isFile()) return response.writeHead(404).end();
    response.setHeader("content-type", TYPES[extname(file)] ?? "application/octet-stream");
    response.setHeader("content-length", statSync(file).size);
    return request.method === "HEAD" ? response.end() : createReadStream(file).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    takeMissing: () => {
      const names = [...missing].sort();
      missing.clear();
      return names;
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
