/**
 * Runs a function of a test inside a container, on node:http: what an author would have in an image of his own.
 *
 *     node --input-type=module -e <this file> -- <the function's code, base64> <names of its variables, JSON>
 *
 * Knows `export default { fetch }`, classes that extend WorkerEntrypoint, `addEventListener("fetch")` and `Deno.serve`.
 */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { registerHooks } from "node:module";

const EMPTY = new Set([204, 205, 304]);
type Handler = (request: Request) => unknown;

const [, code = "", names = "[]"] = process.argv;
const wanted: string[] = JSON.parse(names);
const env = Object.freeze(Object.fromEntries(wanted.map((name) => [name, process.env[name]])));
const ctx = {
  waitUntil: (work: unknown) => void Promise.resolve(work).catch(console.error),
  passThroughOnException() {},
};

class WorkerEntrypoint {
  readonly env = env;
  readonly ctx = ctx;
}

const words = { env, WorkerEntrypoint, waitUntil: ctx.waitUntil };
Object.assign(globalThis, { __words: words });
const WORKERS = `data:text/javascript,export const { ${Object.keys(words).join(", ")} } = globalThis.__words;`;
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === "cloudflare:workers" ? { url: WORKERS, shortCircuit: true } : next(specifier, context),
});

let handler: Handler | undefined;
Object.assign(globalThis, env, {
  self: globalThis,
  Deno: {
    serve: (first: unknown, second?: unknown) => {
      const given = typeof first === "function" ? first : second;
      handler = (request) => Reflect.apply(Object(given), undefined, [request, { remoteAddr: { transport: "tcp" } }]);
    },
    env: { get: (name: string) => env[name], toObject: () => ({ ...env }) },
  },
  addEventListener: (_type: string, listen: (event: object) => void) => {
    handler = (request) => {
      let answer: unknown;
      const respondWith = (given: unknown) => {
        answer = given;
      };
      listen({ type: "fetch", request, waitUntil: ctx.waitUntil, respondWith });
      return answer;
    };
  },
});

const loaded: { default?: unknown } = await import(`data:text/javascript;base64,${code}`);
handler ??= toHandler(loaded.default);
if (handler === undefined) {
  console.error("Cannot find a handler");
  process.exit(1);
}
createServer((message, response) => void answer(message, response)).listen(Number(process.env.PORT));

function toHandler(given: unknown): Handler | undefined {
  if (typeof given === "function") {
    return (request) => Object(Reflect.construct(given, [])).fetch(request);
  }
  const { fetch }: { fetch?: unknown } = Object(given);
  return typeof fetch === "function" ? (request) => Reflect.apply(fetch, given, [request, env, ctx]) : undefined;
}

async function answer(message: IncomingMessage, response: ServerResponse): Promise<void> {
  response.sendDate = false;
  const gone = new AbortController();
  response.once("close", () => gone.abort(new DOMException("The client has left", "AbortError")));
  try {
    const given = await handler?.(toRequest(message, gone.signal));
    if (!(given instanceof Response)) throw new TypeError("the handler gave no Response");
    await send(given, response, gone.signal);
  } catch (thrown) {
    console.error(thrown);
    if (!response.headersSent) response.writeHead(500).end();
    else response.destroy();
  }
}

function toRequest(message: IncomingMessage, signal: AbortSignal): Request {
  const headers = new Headers();
  const { rawHeaders } = message;
  for (let i = 0; i < rawHeaders.length; i += 2) headers.append(rawHeaders[i] ?? "", rawHeaders[i + 1] ?? "");
  const method = message.method ?? "GET";
  const hasBody = method !== "GET" && method !== "HEAD";
  const body = hasBody ? toBody(message) : null;
  return new Request(`http://${message.headers.host}${message.url}`, { method, headers, body, signal, duplex: "half" });
}

function toBody(message: IncomingMessage): ReadableStream<Uint8Array> {
  const chunks = message[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { value, done } = await chunks.next();
          if (done) controller.close();
          else controller.enqueue(Uint8Array.from(value));
        } catch {
          controller.error(new DOMException("The client has left", "AbortError"));
        }
      },
    },
    { highWaterMark: 0 },
  );
}

async function send(given: Response, response: ServerResponse, gone: AbortSignal): Promise<void> {
  const headers = [...given.headers].flat();
  // Nothing about the length that the function has not said.
  if (!EMPTY.has(given.status) && !given.headers.has("content-length")) headers.push("transfer-encoding", "chunked");
  response.writeHead(given.status, headers);
  // Sends the head as it is; flushHeaders() would write it in UTF-8.
  response.write(Buffer.alloc(0));
  const reader = given.body?.getReader();
  gone.addEventListener("abort", () => void reader?.cancel(gone.reason).catch(() => {}));
  for (let next = await reader?.read(); next?.done === false; next = await reader?.read()) {
    if (!response.write(next.value) && !response.destroyed) {
      await new Promise<void>((resolve) => {
        response.once("drain", resolve);
        response.once("close", resolve);
      });
    }
  }
  response.end();
}
