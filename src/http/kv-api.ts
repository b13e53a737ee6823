/**
 * Namespaces on the control port: what functions ask them, asked by whoever runs the node.
 */

import { Hono } from "hono";
import { NebulaError } from "../model/errors.ts";
import type { Answer } from "../model/exchange.ts";
import { KV_METADATA, KV_ORIGIN } from "../model/kv.ts";
import type { Resource } from "../model/ports.ts";
import { isResourceId } from "./deployment-input.ts";
import { invalid } from "./read-json.ts";

/** Where namespaces are. */
export interface KvApiParts {
  /** By id; one that is not there yet is made when it is written to. */
  findNamespace(id: string): Resource;
  randomId(): string;
}

/** A value has no end of metadata beside it. */
const NO_VALUE = 404;
/** By status of an answer, the code of its failure; others are of the request. */
const CODES = { 413: "NEBULA_BODY_TOO_LARGE", 500: "NEBULA_STATE_FAILED", 507: "NEBULA_STATE_FAILED" } as const;

/** Makes the routes, to be mounted below the version of the API. */
export function createKvApi({ findNamespace, randomId }: KvApiParts): Hono {
  const app = new Hono();

  const forward = async (request: Request, { id, path }: { id: string; path: "/value" | "/keys" }) => {
    if (!isResourceId(id)) throw invalid("its path does not name a namespace");
    const metadata = request.headers.get(KV_METADATA);
    const head = {
      method: request.method,
      url: `${KV_ORIGIN}${path}${new URL(request.url).search}`,
      headers: metadata === null ? [] : [KV_METADATA, metadata],
    };
    const call = { head, body: request.body, signal: request.signal };
    return await toResponse(await findNamespace(id).fetch(call, { requestId: randomId(), callers: [] }));
  };

  app.on(["GET", "PUT", "DELETE"], "/kv/:id/value", (c) =>
    forward(c.req.raw, { id: c.req.param("id"), path: "/value" }),
  );
  app.get("/kv/:id/keys", (c) => forward(c.req.raw, { id: c.req.param("id"), path: "/keys" }));

  return app;
}

async function toResponse({ head: { status, headers }, body }: Answer): Promise<Response> {
  if (status === NO_VALUE) throw new NebulaError("NEBULA_REQUEST_INVALID", "Cannot find a value for this key");
  if (status >= 400) {
    const why = await new Response(toBody(body)).text();
    const code = status in CODES ? CODES[fromStatus(status)] : "NEBULA_REQUEST_INVALID";
    throw new NebulaError(code, `Cannot ask the namespace: ${why}`);
  }
  const pairs: [string, string][] = [["content-type", "application/octet-stream"]];
  for (let i = 0; i + 1 < headers.length; i += 2) pairs.push([headers[i] ?? "", headers[i + 1] ?? ""]);
  return new Response(toBody(body), { status, headers: pairs });
}

function toBody(body: Answer["body"]): Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | null {
  return body instanceof Uint8Array ? new Uint8Array(body) : body;
}

/** Only after a look at the table. */
function fromStatus(status: number): keyof typeof CODES {
  return status as keyof typeof CODES;
}
