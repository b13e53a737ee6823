/**
 * Runs a component of WASI 0.2: a command to its end, a handler behind an HTTP server of its own.
 */

import { randomFillSync } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { createWasiClock } from "../../src/engine/wasi/clock.guest.ts";
import { compileComponent } from "../../src/engine/wasi/component/linker.guest.ts";
import { CoreModule } from "../../src/engine/wasi/core-module.guest.ts";
import { type Callable, handleRequest } from "../../src/engine/wasi/preview2/handle-request.guest.ts";
import { errorCode, HttpError } from "../../src/engine/wasi/preview2/http-error-code.guest.ts";
import type { HttpHost } from "../../src/engine/wasi/preview2/http-host.guest.ts";
import { createPreview2, type Preview2 } from "../../src/engine/wasi/preview2/preview2.guest.ts";
import { runCommand } from "../../src/engine/wasi/preview2/run-command.guest.ts";
import type { HeaderList } from "../../src/model/exchange.ts";
import { decodeComponent } from "../../src/wasm/component/decode.ts";
import type { Started } from "./wasi-guest-options.ts";

/** The exit code. Throws what it was stopped by. */
export async function runComponent(started: Started): Promise<number> {
  const { instance, preview2 } = compile(started)();
  return await runCommand(instance, preview2, { signal: new AbortController().signal });
}

/** Answers until the process is told to end; each request has an instance of its own. */
export async function serveComponent(started: Started): Promise<void> {
  const make = compile(started);
  const server = createServer((request, response) => {
    answer(make(), request, response).catch((error: unknown) => {
      void started.stderr.write(Buffer.from(`${error instanceof Error ? error.stack : String(error)}\n`));
      if (response.headersSent) response.destroy();
      else response.writeHead(500).end();
    });
  });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(0));
  server.listen(0, "127.0.0.1", () => {
    void started.stderr.write(Buffer.from(`http://127.0.0.1:${toPort(server.address())}/\n`));
  });
}

function toPort(address: AddressInfo | string | null): number {
  if (typeof address !== "object" || address === null) throw new TypeError("the server has no port");
  return address.port;
}

function compile({
  bytes,
  memories,
  memoryBytes,
  ...given
}: Started): () => { instance: Callable; preview2: Preview2 } {
  const cores: CoreModule[] = [];
  const random = (into: Uint8Array) => void randomFillSync(into);
  const openHost = () => createPreview2({ ...given, clock: createWasiClock(), random, http: FETCHING });
  const linked = compileComponent(decodeComponent(bytes), {
    host: openHost().imports,
    compileModule: (core, index) => {
      const module = new CoreModule(core, { addon: undefined, memories, memoryBytes });
      cores[index] = module;
      return module.module;
    },
  });
  return () => {
    const preview2 = openHost();
    const instance = linked.instantiate(preview2.imports, {
      instantiate: (_module, index, imports) => {
        const core = cores[index];
        if (core === undefined) throw new TypeError(`core module ${index} was not compiled`);
        return core.instantiate(imports).instance;
      },
    });
    return { instance, preview2 };
  };
}

async function answer(
  { instance, preview2 }: { instance: Callable; preview2: Preview2 },
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = `http://${request.headers.host ?? "localhost"}${request.url ?? "/"}`;
  const asked = {
    method: request.method ?? "GET",
    url,
    headers: request.rawHeaders,
    body: request.method === "GET" ? null : fromWeb(Readable.toWeb(request)),
    signal: new AbortController().signal,
  };
  const { head, body } = await handleRequest(instance, asked, preview2).answer;
  response.writeHead(head.status, [...head.headers]);
  if (body instanceof ReadableStream) for await (const chunk of body) response.write(chunk);
  else if (body !== null) response.write(body);
  response.end();
}

/** Node's own type of a stream and the web's are two. */
function fromWeb(stream: unknown): ReadableStream<Uint8Array> {
  return stream as ReadableStream<Uint8Array>;
}

/** Everything may be reached: these are the tests' own servers. */
const FETCHING: HttpHost = {
  send: async ({ method, scheme, authority, pathWithQuery, headers, body }, { signal }) => {
    try {
      const found = await fetch(`${scheme}://${authority}${pathWithQuery}`, {
        method,
        headers: toPairs(headers),
        body,
        signal,
        redirect: "manual",
        ...(body instanceof ReadableStream && { duplex: "half" }),
      });
      return { head: { status: found.status, headers: [...found.headers].flat() }, body: found.body };
    } catch (thrown) {
      throw new HttpError(errorCode("connection-refused"), String(thrown));
    }
  },
};

function toPairs(headers: HeaderList): [string, string][] {
  const pairs: [string, string][] = [];
  for (let i = 0; i + 1 < headers.length; i += 2) pairs.push([headers[i] ?? "", headers[i + 1] ?? ""]);
  return pairs;
}
