/**
 * The folders of `test/guests/`: one misbehaviour each, with what the host must make of it in `expect.json`.
 */

import { readdirSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Limits, RuntimeName } from "../../src/model/function.ts";

export interface Expectation {
  readonly limits?: Partial<Limits>;
  readonly flags?: readonly string[];
  /** Default GET without a body. */
  readonly request?: { readonly method: string; readonly body: "endless" };
  /** How many requests are sent; the last one is looked at, or all of them with `each`. */
  readonly times?: number;
  readonly each?: boolean;
  /** Nothing is said about the answer, only that there is an end to it. */
  readonly any?: boolean;
  readonly status?: number;
  /** A text or a JSON value. */
  readonly body?: unknown;
  readonly bodyEnds?: string;
  readonly bodyBytes?: number;
  /** The code of the failure: of the start, of the request, or of its body. A list where the order is a race. */
  readonly code?: string | readonly string[];
  /** A part of the failure's message. */
  readonly message?: string;
  /** The instance answers the next request. */
  readonly alive?: boolean;
  /** The code with which the instance ends. */
  readonly ends?: string;
  /** Nothing may reach the trap. */
  readonly trap?: boolean;
  /** The most that its console may have written. */
  readonly logBytesMax?: number;
  /** What is expected instead where functions run on Deno. */
  readonly onDeno?: Omit<Expectation, "onDeno">;
}

export interface HostileGuest {
  readonly name: string;
  readonly runtime: RuntimeName;
  readonly dir: string;
  readonly expected: Expectation;
}

const ROOT = join(import.meta.dirname, "../guests");

/** All of them; they take turns on the runtimes. */
export function readHostileGuests(...runtimes: readonly RuntimeName[]): HostileGuest[] {
  return readdirSync(ROOT, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }, at) => {
      const runtime = runtimes[at % runtimes.length] ?? "node";
      const dir = join(ROOT, name);
      const { onDeno, ...onNode }: Expectation = JSON.parse(readFileSync(join(dir, "expect.json"), "utf8"));
      return { name, runtime, dir, expected: runtime === "deno" ? (onDeno ?? onNode) : onNode };
    });
}

/** A port and a Unix socket that listen and count who comes: nobody may. */
export interface Trap extends AsyncDisposable {
  readonly port: number;
  readonly socketPath: string;
  readonly caught: number;
}

export async function openTrap(dir: string): Promise<Trap> {
  let caught = 0;
  const servers: Server[] = [];
  const listen = async (where: { port: number } | { path: string }) => {
    const server = createServer((socket) => {
      caught += 1;
      socket.destroy();
    });
    servers.push(server);
    await new Promise<void>((resolve, reject) => server.once("error", reject).listen(where, resolve));
    return server.address();
  };
  const socketPath = join(dir, "trap.sock");
  const address = await listen({ port: 0 });
  await listen({ path: socketPath });
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    port: address.port,
    socketPath,
    get caught() {
      return caught;
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}

/** A body without end, until it is cancelled. */
export function endlessBody(): ReadableStream<Uint8Array> {
  const piece = Buffer.alloc(16_384, "endless ");
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  return new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      await new Promise(setImmediate);
      if (stop.signal.aborted) controller.close();
      else controller.enqueue(new Uint8Array(piece));
    },
  });
}
