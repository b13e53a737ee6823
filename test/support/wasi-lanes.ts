/**
 * Lanes whose guest processes are scripted by the test: what each is asked, when it answers, when it turns to nothing.
 */

import { duplexPair } from "node:stream";
import type { IncomingCall, OutgoingAnswer } from "../../src/frames/incoming-call.ts";
import type { LiveGuest } from "../../src/engine/guest/invocations.ts";
import { Watchdog } from "../../src/engine/guest/watchdog.ts";
import { HostedProgram } from "../../src/engine/wasi/hosted-program.ts";
import { Lane } from "../../src/engine/wasi/lane.ts";
import { Lanes } from "../../src/engine/wasi/lanes.ts";
import { toLoadable } from "../../src/engine/wasi/loadable.ts";
import type { HostHead } from "../../src/engine/wasi/protocol.ts";
import type { StateHold } from "../../src/engine/wasi/state-hold.ts";
import type { NebulaError } from "../../src/model/errors.ts";
import type { Limits } from "../../src/model/function.ts";
import { silentLog } from "../../src/model/ports.ts";
import { noCapabilities } from "./capabilities.ts";
import { createFakeClock, type FakeClock } from "./fake-clock.ts";
import { toSpec } from "./guest-source.ts";
import { turns, watchPeer } from "./peer-pair.ts";

/** What a process was asked. The test answers it, except pings, which any live process answers. */
export interface Asked {
  readonly head: HostHead;
  readonly call: IncomingCall;
  answer(answer: OutgoingAnswer): void;
}

export interface FakeGuest {
  readonly live: LiveGuest;
  readonly asked: Asked[];
  /** Turns to nothing that comes from now on, or to all of it again. */
  isHung: boolean;
  /** It answers no pings: these are then the test's, as everything else. */
  keepsPings: boolean;
  cpuMs: number;
  readonly reason: NebulaError | undefined;
}

function createFakeGuest(): FakeGuest {
  const [near, far] = duplexPair();
  const asked: Asked[] = [];
  const ended = Promise.withResolvers<NebulaError | undefined>();
  const host = watchPeer(near, { side: "host" });
  let isHung = false;
  let reason: NebulaError | undefined;
  watchPeer(far, {
    side: "guest",
    maxIncoming: 4096,
    onCall: async (call) => {
      const head = fromHost(call.head);
      if (head.op === "ping" && !guest.keepsPings) return { head: {}, body: null };
      const { promise, resolve } = Promise.withResolvers<OutgoingAnswer>();
      asked.push({ head, call, answer: resolve });
      return await promise;
    },
  });
  const guest: FakeGuest = {
    asked,
    keepsPings: false,
    cpuMs: 0,
    get reason() {
      return reason;
    },
    get isHung() {
      return isHung;
    },
    set isHung(next) {
      isHung = next;
      if (isHung) far.pause();
      else far.resume();
    },
    live: {
      peer: host.peer,
      ended: ended.promise,
      ending: ended.promise,
      adopt: () => {},
      findUsage: () => ({ cpuMs: guest.cpuMs, memoryBytes: 0 }),
      kill: (why) => {
        reason ??= why;
        ended.resolve(reason);
        host.peer.close();
      },
      end: async () => {
        ended.resolve(undefined);
        host.peer.close();
      },
    },
  };
  return guest;
}

export interface LanesLab extends AsyncDisposable {
  readonly lanes: Lanes;
  /** One lane more, that is none of these. */
  open(): Promise<Lane>;
  readonly clock: FakeClock;
  /** In the order in which they were started. */
  readonly guests: FakeGuest[];
  /** Time passes in which a process works; the watchdog looks, and all that is sent arrives. */
  work(guest: FakeGuest, ms: number): Promise<void>;
}

export function openLanesLab({ maxCount = 4 }: { maxCount?: number } = {}): LanesLab {
  const clock = createFakeClock();
  const watchdog = new Watchdog(clock);
  const guests: FakeGuest[] = [];
  const open = async (onRoom: () => void = () => {}) => {
    const guest = createFakeGuest();
    guests.push(guest);
    const parts = { memoryBytes: 1e9, onBackgroundLog: () => {}, onRoom };
    return new Lane({ guest: guest.live, watchdog, clock, ...parts });
  };
  const lanes = new Lanes({ open, count: 1, maxCount, clock, log: silentLog });
  return {
    lanes,
    open,
    clock,
    guests,
    work: async (guest, ms) => {
      for (let spent = 0; spent < ms; spent += 5) {
        guest.cpuMs += 5;
        clock.pass(5);
        await turns();
      }
    },
    [Symbol.asyncDispose]: async () => {
      await lanes[Symbol.asyncDispose]();
      watchdog[Symbol.dispose]();
    },
  };
}

export function createProgram(id: string, limits: Partial<Limits> = {}, state?: StateHold): HostedProgram {
  const spec = toSpec({ name: id, limits, files: {} });
  const parts = { id, spec, kind: "wasi-p1", main: new Uint8Array(8), files: new Map(), memoryBytes: 1e9 } as const;
  return new HostedProgram({
    id,
    tenant: {
      spec,
      capabilities: noCapabilities,
      mapStack: async (text) => text,
      toError: async (error) => {
        throw error;
      },
    },
    read: async () => toLoadable(parts),
    codeKey: undefined,
    onCodeRefused: () => {},
    state,
  });
}

function fromHost(head: unknown): HostHead {
  return head as HostHead;
}
