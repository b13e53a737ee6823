/**
 * Whether a container listens, whether it is ready, and whether it is still alive: what can be told from outside.
 */

import { readFileSync } from "node:fs";
import { connect } from "node:net";
import type { Clock } from "../../model/ports.ts";

/** Where it serves, and what it is asked. */
export interface ProbeOptions {
  readonly host: string;
  readonly port: number;
  /** A path that answers 2xx or 3xx once it is ready; absent: it is, when it accepts connections. */
  readonly path?: string | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Pauses between two looks: short at first, because most servers come up fast. */
const PAUSE_MS = { first: 1, last: 50, growth: 1.3 };
/** One question; a server that starts may take its time with the first. */
const ASK_MS = 2_000;
const STATUS = /^HTTP\/1\.[01] ([1-5]\d\d)/;
/** As long as a status line has to be for its status to be known. */
const STATUS_BYTES = 12;

/** Waits until it is ready; gives `true`, or what it said last when the signal aborts. */
export async function waitUntilReady(options: ProbeOptions): Promise<true | string> {
  const { signal, clock } = options;
  let said = "it did not accept connections";
  for (let pauseMs = PAUSE_MS.first; !signal.aborted; pauseMs = Math.min(pauseMs * PAUSE_MS.growth, PAUSE_MS.last)) {
    const answer = await look(options);
    if (answer === true) return true;
    said = answer ?? said;
    await pause(pauseMs, { clock, signal });
  }
  return said;
}

/**
 * Whether it gives any sign of life to a question that means nothing (RFC 9110, section 9.3.7: `OPTIONS *`). One that
 * closes the connection is alive as well; one that hangs takes it and says nothing.
 */
export async function isResponsive(options: Omit<ProbeOptions, "path"> & { limitMs: number }): Promise<boolean> {
  const { host, port, clock, signal, limitMs } = options;
  const answer = await exchange("OPTIONS * HTTP/1.1", { host, port, clock, signal, limitMs });
  return answer !== undefined && answer !== "refused";
}

/** Ports that something listens on in a container, and whether for itself alone; nothing where that cannot be told. */
export function findListening(pid: number): { port: number; isLocal: boolean }[] {
  return ["tcp", "tcp6"].flatMap((name) => {
    try {
      return readListening(readFileSync(`/proc/${pid}/net/${name}`, "latin1"));
    } catch {
      // because it may have ended, or be none of ours to look at
      return [];
    }
  });
}

/** @see https://www.kernel.org/doc/Documentation/networking/proc_net_tcp.txt */
function readListening(text: string): { port: number; isLocal: boolean }[] {
  return text.split("\n").flatMap((line) => {
    const [, local = "", , state] = line.trim().split(/\s+/);
    const [address = "", port = ""] = local.split(":");
    if (state !== LISTEN || port === "") return [];
    return [{ port: Number.parseInt(port, 16), isLocal: /^[0-9A-F]{6}7F$|^0{24}01000000$/i.test(address) }];
  });
}

const LISTEN = "0A";

/** `true`: ready. A text: why not. `undefined`: nobody listens. */
async function look({ path, ...options }: ProbeOptions): Promise<true | string | undefined> {
  const answer = await exchange(path === undefined ? undefined : `GET ${path} HTTP/1.1`, {
    ...options,
    limitMs: ASK_MS,
  });
  if (answer === undefined) return path === undefined ? undefined : "its probe did not answer";
  if (path === undefined || answer === "refused") return answer === "refused" ? undefined : true;
  const status = STATUS.exec(answer)?.[1];
  if (status === undefined) return "its probe did not answer with HTTP";
  return status.startsWith("2") || status.startsWith("3") ? true : `its probe answered ${status}`;
}

/**
 * Connects, asks and gives the first bytes that come back: empty when there was nothing to ask or the connection was
 * closed, `refused` when there was none, `undefined` when the time was up.
 */
async function exchange(
  question: string | undefined,
  { host, port, clock, signal, limitMs }: Omit<ProbeOptions, "path"> & { limitMs: number },
): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const socket = connect({ host, port });
  let text = "";
  const onAbort = () => resolve(undefined);
  using _timer = clock.after(limitMs, () => resolve(undefined));
  signal.addEventListener("abort", onAbort, { once: true });
  socket.on("connect", () => {
    if (question === undefined) resolve("");
    else socket.write(`${question}\r\nhost: localhost\r\nconnection: close\r\n\r\n`);
  });
  socket.on("data", (bytes: Buffer) => {
    text += bytes.toString("latin1");
    if (text.length >= STATUS_BYTES) resolve(text);
  });
  socket.on("error", () => resolve("refused"));
  socket.on("close", () => resolve(text));
  try {
    return await promise;
  } finally {
    socket.destroy();
    signal.removeEventListener("abort", onAbort);
  }
}

async function pause(ms: number, { clock, signal }: Pick<ProbeOptions, "clock" | "signal">): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  using _timer = clock.after(ms, resolve);
  const onAbort = () => resolve();
  signal.addEventListener("abort", onAbort, { once: true });
  await promise;
  signal.removeEventListener("abort", onAbort);
}
