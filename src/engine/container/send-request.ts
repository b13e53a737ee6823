/**
 * Writes the body of a request to a container, no faster than the container reads.
 */

import type { ClientRequest } from "node:http";
import { NebulaError } from "../../model/errors.ts";
import type { Body, HeaderList } from "../../model/exchange.ts";
import { toTrailers } from "../../model/trailers.ts";
import { clientGone } from "../failures.ts";
import { drained } from "./drained.ts";

/** How long the head says that the body is, and what comes after it. */
export interface SendOptions {
  readonly lengthBytes: number | undefined;
  readonly trailers: Promise<HeaderList | undefined> | undefined;
  /** Called when it cannot be sent as a whole. */
  onFailure(error: NebulaError): void;
}

/** Sends the body, and what comes after it. A stream is cancelled when the request is over before it ends. */
export function sendBody(request: ClientRequest, body: Body, options: SendOptions): void {
  if (body === null) request.end();
  else if (body instanceof Uint8Array) request.end(body);
  else
    pump(request, body, options).catch((thrown: unknown) =>
      options.onFailure(thrown instanceof NebulaError ? thrown : clientGone("request", thrown)),
    );
}

async function pump(
  request: ClientRequest,
  body: ReadableStream<Uint8Array>,
  { lengthBytes, trailers }: SendOptions,
): Promise<void> {
  const reader = body.getReader();
  // A read that waits ends with it. What the stream says to that no longer matters to anybody.
  const cancel = () => void reader.cancel().catch(() => {});
  request.once("close", cancel);
  // At once, because what asks may wait for the answer before it says more.
  request.flushHeaders();
  let bytes = 0;
  try {
    for (let next = await reader.read(); !next.done && !request.destroyed; next = await reader.read()) {
      bytes += next.value.byteLength;
      if (lengthBytes !== undefined && bytes > lengthBytes) throw notAsLong(lengthBytes);
      if (!request.write(next.value)) await drained(request);
    }
    if (request.destroyed) return;
    if (lengthBytes !== undefined && bytes < lengthBytes) throw notAsLong(lengthBytes);
    const fields = lengthBytes === undefined ? toTrailers((await trailers) ?? []) : undefined;
    if (request.destroyed) return;
    if (fields !== undefined) request.addTrailers(toPairs(fields));
    request.end();
  } finally {
    request.off("close", cancel);
    cancel();
  }
}

function toPairs(fields: HeaderList): [string, string][] {
  const pairs: [string, string][] = [];
  for (let i = 0; i + 1 < fields.length; i += 2) pairs.push([fields[i] ?? "", fields[i + 1] ?? ""]);
  return pairs;
}

function notAsLong(lengthBytes: number): NebulaError {
  const message = `Cannot pass on the request: its body does not have the ${lengthBytes} bytes that its head declares`;
  return new NebulaError("NEBULA_REQUEST_INVALID", message);
}
