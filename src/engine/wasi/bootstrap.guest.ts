/**
 * The first code of a Wasm guest process. It arrives on standard input, loads the add-on and gives that right up,
 * warms up, connects to the host on descriptor 3, and says that it is ready.
 */

import { Socket } from "node:net";
import { Peer } from "../../frames/peer.ts";
import { loadAddon } from "./addon/load-addon.guest.ts";
import { WasmGuest } from "./wasm-guest.guest.ts";

/** Calls of the host at once; more than any lane sends. */
const MAX_INCOMING = 65_536;
/** The add-on, where the host has given one. */
const ADDON_FD = 5;

// because a host that is gone leaves nothing to do
const end = process.exit.bind(process, 0);

const addon = loadAddon(ADDON_FD);
const guest = new WasmGuest("reason" in addon ? undefined : addon, () => globalThis.gc?.());
await guest.warmUp();
const peer = new Peer(new Socket({ fd: 3, readable: true, writable: true }), {
  side: "guest",
  maxIncoming: MAX_INCOMING,
  onCall: guest.onCall,
  onNote: () => {},
  onBroken: end,
});
guest.connect(peer);
peer.note(0, { note: "ready" });
