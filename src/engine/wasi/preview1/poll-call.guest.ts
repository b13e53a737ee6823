/**
 * Waiting for the first of several things: clocks, input, room for output.
 *
 *     read the subscriptions ─▶ something is ready? ─ yes ─▶ write the events
 *                                    ▲      └ no: wait for the first clock or stream ┐
 *                                    └───────────────────────────────────────────────┘
 */

import { refuse } from "../files/file-error.guest.ts";
import type { Descriptor } from "./descriptors.guest.ts";
import { SUCCESS, toErrno } from "./errno.guest.ts";
import type { Errno, Host } from "./host.guest.ts";
import { nextTurn } from "./input.guest.ts";
import { readClock } from "./process-calls.guest.ts";
import { RIGHT } from "./rights.guest.ts";

const EVENT_BYTES = 32;
const MAX_SUBSCRIPTIONS = 4096;
const EVENTTYPE = { CLOCK: 0, FD_READ: 1, FD_WRITE: 2 } as const;
const ABSOLUTE_TIME = 1;
const HANGUP = 1;
/** How much a sink takes without being asked, as far as a program needs to know. */
const ROOM_BYTES = 65_536;

/** Where the fields of a subscription are; the first edition puts an identifier before a clock's. */
const LAYOUT = {
  wasi_snapshot_preview1: { bytes: 48, clockAt: 16 },
  wasi_unstable: { bytes: 56, clockAt: 24 },
} as const;

interface Subscription {
  readonly userdata: bigint;
  readonly type: number;
  /** Answered at once with this error number. */
  readonly error?: number;
  /** By the monotonic clock. */
  readonly deadlineNs?: bigint;
  readonly descriptor?: Descriptor;
}

interface Event {
  readonly of: Subscription;
  readonly error?: number;
  readonly bytes?: number;
  readonly flags?: number;
}

/** Functions of preview 1. */
export const POLL_CALLS = {
  poll_oneoff(host: Host, list: number, events: number, count: number, result: number): Errno {
    const total = count >>> 0;
    if (total === 0 || total > MAX_SUBSCRIPTIONS) refuse("EINVAL");
    const { bytes } = LAYOUT[host.edition];
    const at = host.memory.check(list, total * bytes);
    host.memory.check(events, total * EVENT_BYTES);
    host.memory.check(result, 4);
    const subscriptions = Array.from({ length: total }, (_, index) => readSubscription(host, at + index * bytes));
    const ready = findReady(host, subscriptions);
    const waits = findWaits(subscriptions);
    if (ready.length > 0 && waits.length === 0) return writeEvents(host, ready, events, result);
    return waitForEvents(host, { subscriptions, ready, events, result });
  },
} as const;

function readSubscription(host: Host, at: number): Subscription {
  const { memory } = host;
  const userdata = memory.getU64(at);
  const type = memory.getU8(at + 8);
  try {
    if (type === EVENTTYPE.CLOCK) return { userdata, type, deadlineNs: readDeadline(host, at) };
    if (type !== EVENTTYPE.FD_READ && type !== EVENTTYPE.FD_WRITE) refuse("EINVAL");
    return { userdata, type, descriptor: readDescriptor(host, memory.getU32(at + 16), type) };
  } catch (thrown) {
    return { userdata, type, error: toErrno(thrown) };
  }
}

function readDeadline(host: Host, at: number): bigint {
  const { memory, options, edition } = host;
  const clockAt = at + LAYOUT[edition].clockAt;
  const id = memory.getU32(clockAt);
  const timeoutNs = memory.getU64(clockAt + 8);
  const clockNs = readClock(host, id);
  const isAbsolute = (memory.getU16(clockAt + 24) & ABSOLUTE_TIME) !== 0;
  return options.clock.monotonicNs() + (isAbsolute ? timeoutNs - clockNs : timeoutNs);
}

function readDescriptor({ descriptors }: Host, fd: number, type: number): Descriptor {
  const descriptor = descriptors.get(fd);
  if (descriptor.kind === "directory") refuse("EBADF");
  if (type === EVENTTYPE.FD_READ && descriptor.kind === "output") refuse("EBADF");
  if (type === EVENTTYPE.FD_WRITE && descriptor.kind === "input") refuse("EBADF");
  if ((descriptor.rights & RIGHT.POLL_FD_READWRITE) === 0) refuse("ENOTCAPABLE");
  return descriptor;
}

function findReady(host: Host, subscriptions: readonly Subscription[]): Event[] {
  const nowNs = host.options.clock.monotonicNs();
  return subscriptions.map((of) => findEvent(of, nowNs)).filter((event) => event !== undefined);
}

function findEvent(of: Subscription, nowNs: bigint): Event | undefined {
  const { error, deadlineNs, descriptor } = of;
  if (error !== undefined) return { of, error };
  if (deadlineNs !== undefined) return deadlineNs <= nowNs ? { of } : undefined;
  if (descriptor?.kind === "file") {
    const left = Math.max(0, descriptor.node.size - descriptor.position);
    return { of, bytes: of.type === EVENTTYPE.FD_READ ? left : ROOM_BYTES };
  }
  if (descriptor?.kind === "output") return descriptor.draining === undefined ? { of, bytes: ROOM_BYTES } : undefined;
  if (descriptor?.kind !== "input" || descriptor.input.wait() !== undefined) return undefined;
  return { of, bytes: descriptor.input.readyBytes, flags: descriptor.input.isAtEnd ? HANGUP : 0 };
}

/** The streams that are not ready. */
function findWaits(subscriptions: readonly Subscription[]): Promise<void>[] {
  return subscriptions
    .map(({ descriptor }) => {
      if (descriptor?.kind === "input") return descriptor.input.wait();
      return descriptor?.kind === "output" ? descriptor.draining : undefined;
    })
    .filter((wait) => wait !== undefined);
}

interface Waiting {
  readonly subscriptions: readonly Subscription[];
  readonly ready: Event[];
  readonly events: number;
  readonly result: number;
}

async function waitForEvents(host: Host, { subscriptions, ready, events, result }: Waiting): Promise<number> {
  // What comes from outside comes between turns: a program that polls without a timeout would never see it.
  if (ready.length > 0) await nextTurn();
  let found = findReady(host, subscriptions);
  while (found.length === 0) {
    await waitForFirst(host, subscriptions);
    found = findReady(host, subscriptions);
  }
  return writeEvents(host, found, events, result);
}

async function waitForFirst({ options: { clock } }: Host, subscriptions: readonly Subscription[]): Promise<void> {
  const waits = findWaits(subscriptions);
  const earliest = findEarliest(subscriptions);
  if (earliest === undefined) return await Promise.race(waits);
  const sleeping = new AbortController();
  await Promise.race([...waits, clock.sleep(earliest - clock.monotonicNs(), sleeping.signal)]);
  sleeping.abort();
}

function findEarliest(subscriptions: readonly Subscription[]): bigint | undefined {
  let earliest: bigint | undefined;
  for (const { deadlineNs } of subscriptions) {
    if (deadlineNs !== undefined && (earliest === undefined || deadlineNs < earliest)) earliest = deadlineNs;
  }
  return earliest;
}

function writeEvents({ memory }: Host, found: readonly Event[], events: number, result: number): number {
  for (const [index, { of, error = SUCCESS, bytes = 0, flags = 0 }] of found.entries()) {
    const at = (events >>> 0) + index * EVENT_BYTES;
    memory.bytes(at, EVENT_BYTES).fill(0);
    memory.setU64(at, of.userdata);
    memory.setU16(at + 8, error);
    memory.setU8(at + 10, of.type);
    memory.setU64(at + 16, BigInt(bytes));
    memory.setU16(at + 24, flags);
  }
  memory.setU32(result, found.length);
  return SUCCESS;
}
