/**
 * The first code of a guest process. It arrives on standard input, connects to the host on descriptor 3, does
 * ahead of time what a first request would pay for, and says that it is ready.
 */

import { Socket } from "node:net";
import { Peer } from "../frames/peer.ts";
import { createGuest } from "./guest.guest.ts";

/** Calls of the host at once; more than any pool sends. */
const MAX_INCOMING = 65_536;

// because a host that is gone leaves nothing to do
const end = process.exit.bind(process, 0);

const getBuiltin = process.getBuiltinModule.bind(process);
await warmUp();

const guest = createGuest({ getBuiltin });
const peer = new Peer(new Socket({ fd: 3, readable: true, writable: true }), {
  side: "guest",
  maxIncoming: MAX_INCOMING,
  onCall: guest.onCall,
  onNote: () => {},
  onBroken: end,
});
guest.connect(peer);
peer.note(0, { note: "ready" });

/** The first Request, Response and stream of a process load Node's fetch: some 30 ms that no request should wait for. */
async function warmUp(): Promise<void> {
  const request = new Request("http://localhost/", { method: "POST", body: "x", headers: { a: "b" } });
  const stream = new ReadableStream({ type: "bytes", pull: (controller) => controller.close() });
  await Promise.all([request.text(), new Response(stream).arrayBuffer(), new Response("x").text()]);
  void new AbortController().signal;
  void crypto.subtle;
}
