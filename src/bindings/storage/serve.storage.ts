/**
 * The inside of a storage process: opens what the host names, answers its calls, and ends when the host is gone.
 *
 *     {op: "open", settings}  ─▶  {}          first and once
 *     anything else           ─▶  the service's answer
 *     {op: "end"}             ─▶  {}          what was opened is closed
 *
 * Files named `*.storage.ts` run in such a process and nowhere else.
 */

import { Buffer } from "node:buffer";
import { Socket } from "node:net";
import type { IncomingCall, OutgoingAnswer } from "../../frames/incoming-call.ts";
import { Peer } from "../../frames/peer.ts";
import type { Body } from "../../model/exchange.ts";
import type { Json } from "../../model/function.ts";
import { MIB } from "../../model/units.ts";
import { StorageError } from "./storage-error.storage.ts";

/** What a storage process holds. */
export interface Service {
  /** Answers one call. `isCancelled` may be asked before the work begins: nobody waits for it any more. */
  answer(head: unknown, body: Uint8Array, call: Pick<IncomingCall, "isCancelled">): Promise<ServiceAnswer>;
  /** Closes the files. */
  close(): void;
}

/** What a call is answered with. */
export interface ServiceAnswer {
  /** Anything JSON can carry. */
  readonly head: unknown;
  readonly body: Uint8Array | null;
}

const FRAMES_FD = 3;
/** More than the host has open at once. */
const MAX_INCOMING = 65_536;
/** What one call may bring: it is held in memory. */
const MAX_BODY_BYTES = 32 * MIB;

/** Serves on the socket pair until it closes. What `open` throws is told to the host. */
export function serveStorage(open: (settings: Json) => Service): void {
  let service: Service | undefined;
  const close = () => {
    service?.close();
    service = undefined;
  };
  const onCall = async (call: IncomingCall): Promise<OutgoingAnswer> => {
    const head = fromHost(call.head);
    const body = call.takeBody();
    if (head.op === "open") {
      service = open(head.settings ?? null);
      return { head: {}, body: null };
    }
    if (head.op === "end") {
      close();
      return { head: {}, body: null };
    }
    if (service === undefined) throw new StorageError("ended", "nothing is open");
    return await service.answer(head, await readCall(body), call);
  };
  new Peer(new Socket({ fd: FRAMES_FD, readable: true, writable: true }), {
    side: "guest",
    maxIncoming: MAX_INCOMING,
    onCall,
    onNote: () => {},
    // Without its socket nothing keeps the process alive.
    onBroken: close,
  });
}

async function readCall(body: Body): Promise<Uint8Array> {
  if (body === null) return new Uint8Array();
  if (body instanceof Uint8Array) return body;
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of body) {
    bytes += part.byteLength;
    if (bytes > MAX_BODY_BYTES) throw new StorageError("too large", `a call has more than ${MAX_BODY_BYTES} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** The border with the host, whose words are trusted. */
function fromHost(head: unknown): { op?: string; settings?: Json } {
  return head as { op?: string; settings?: Json };
}
