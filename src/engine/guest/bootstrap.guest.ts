/**
 * The first code of a guest process. It arrives on standard input, connects to the host on descriptor 3, does
 * ahead of time what a first request would pay for, and says that it is ready.
 */

import { Socket } from "node:net";
import { Peer } from "../frames/peer.ts";
import { Guest } from "./guest.guest.ts";

/** Calls of the host at once; more than any pool sends. */
const MAX_INCOMING = 65_536;

// because a host that is gone leaves nothing to do
const end = process.exit.bind(process, 0);

const getBuiltin = process.getBuiltinModule.bind(process);
const guest = new Guest({ getBuiltin });
await warmUp();
const peer = new Peer(new Socket({ fd: 3, readable: true, writable: true }), {
  side: "guest",
  maxIncoming: MAX_INCOMING,
  onCall: guest.onCall,
  onNote: () => {},
  onBroken: end,
});
guest.connect(peer);
peer.note(0, { note: "ready" });

/**
 * Runs a small function once, on the very path that the real one will take: Node's fetch alone takes some 30 ms
 * to load, and what has run before runs faster.
 */
async function warmUp(): Promise<void> {
  const name = "warm-up.js";
  const code = new TextEncoder().encode(
    'export default { fetch: async (request) => new Response(await request.text(), { headers: { a: "b" } }) };',
  );
  const modules = [{ name, kind: "js" as const, bytes: code.byteLength }];
  const compatibility = { date: "", flags: [] };
  const answer = await guest.evaluate(
    { op: "load", name, style: "module", modules, compatibility, bindings: [], logBytes: 0 },
    new Map([[name, code]]),
  );
  const body = new ReadableStream({ type: "bytes", pull: (controller) => controller.close() });
  for (const takeBody of [() => null, () => new Uint8Array(1), () => body]) {
    const call = { id: 0, signal: new AbortController().signal, takeBody, hold: () => {} };
    await answer(call, { op: "fetch", requestId: "", method: "POST", url: "http://localhost/", headers: ["a", "b"] });
  }
}
