/**
 * Brings a blank guest up: does ahead of time what a first request would pay for, connects to the host on descriptor 3,
 * and says that it is ready.
 */

import { Socket } from "node:net";
import { Peer } from "../../frames/peer.ts";
import { Guest } from "./guest.guest.ts";
import type { Platform } from "./platform.guest.ts";

/** Calls of the host at once; more than any pool sends. */
const MAX_INCOMING = 65_536;

/** Runs once per process. `end` ends it, because a host that is gone leaves nothing to do. */
export async function startGuest(platform: Platform, { end }: { end(): void }): Promise<void> {
  const guest = new Guest(platform);
  await warmUp(guest);
  const peer = new Peer(new Socket({ fd: 3, readable: true, writable: true }), {
    side: "guest",
    maxIncoming: MAX_INCOMING,
    onCall: guest.onCall,
    onNote: () => {},
    onBroken: end,
  });
  guest.connect(peer);
  peer.note(0, { note: "ready" });
}

/**
 * Runs a small function once, on the very path that the real one will take: Node's fetch alone takes some 30 ms
 * to load, and what has run before runs faster.
 */
async function warmUp(guest: Guest): Promise<void> {
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
