/**
 * A Wasm guest process: many programs, loaded and let go as the host says, each request in a fresh instance.
 *
 * Sits behind the frames; the host is on their other end.
 */

import { setImmediate } from "node:timers";
import type { IncomingCall, OutgoingAnswer } from "../../frames/incoming-call.ts";
import type { Peer } from "../../frames/peer.ts";
import { readBody } from "../../frames/read-body.ts";
import type { HeaderList } from "../../model/exchange.ts";
import type { Addon } from "./addon/load-addon.guest.ts";
import { CallSlots } from "./call-slots.guest.ts";
import { ProgramFailure } from "./failures.guest.ts";
import { loadProgram } from "./load-program.guest.ts";
import { Memories } from "./memories.guest.ts";
import type { Program } from "./program.guest.ts";
import type { FetchHead, HostHead, LoadHead } from "./protocol.ts";
import { proveProgram } from "./prove.guest.ts";
import { warmUp } from "./warm-up.guest.ts";

/** Everything in a process that outlives a request. */
export class WasmGuest {
  readonly #addon: Addon | undefined;
  readonly #memories: Memories;
  readonly #programs = new Map<string, Program>();
  readonly #slots = new CallSlots();
  #peer: Peer | undefined;

  /** `collect` has V8 collect all garbage there is. */
  constructor(addon: Addon | undefined, collect: () => void = () => {}) {
    this.#addon = addon;
    this.#memories = new Memories(addon, collect);
  }

  /** Does ahead of time what a first program would wait for. */
  async warmUp(): Promise<void> {
    await warmUp({ addon: this.#addon, memories: this.#memories });
  }

  /** Notes and calls go to this peer from now on. */
  connect(peer: Peer): void {
    this.#peer = peer;
  }

  /** Answers a call of the host. */
  readonly onCall = async (call: IncomingCall): Promise<OutgoingAnswer> => {
    // The host has been told that it is cancelled, and takes that for the word of a process that turns to others.
    if (call.isCancelled) throw new DOMException("The call was cancelled before it began", "AbortError");
    const head = fromHost(call.head);
    switch (head.op) {
      case "fetch":
        return await this.#fetch(call, head);
      case "load":
        return afterHead(await readBody(call.takeBody()), (bytes) => this.#load(head, bytes));
      case "unload":
        this.#find(head.program)[Symbol.dispose]();
        this.#programs.delete(head.program);
        return { head: {}, body: null };
      case "prove":
        return { head: await proveProgram(this.#find(head.program), head), body: null };
      case "keep":
        return { head: {}, body: this.#find(head.program).serialize() ?? null };
      case "ping":
        // What came with it is begun by then: it is told of a process that has turned to everything.
        await nextTurn();
        return { head: {}, body: null };
    }
  };

  async #fetch(call: IncomingCall, head: FetchHead): Promise<OutgoingAnswer> {
    return await this.#find(head.program).answer(head, {
      get signal() {
        return call.signal;
      },
      takeBody: () => call.takeBody(),
      get trailers() {
        return toTrailers(call.trailers);
      },
      hold: (work) => call.hold(work),
      log: (level, text) => this.#peer?.note(call.id, { note: "log", level, text }),
      reach: async (to, body, signal) => {
        const release = await this.#slots.take(head.program, signal);
        if (this.#peer === undefined) throw new TypeError("Cannot call out: there is no connection");
        const asked = this.#peer.call({ ...to, parent: call.id, redirect: "manual" }, body);
        void asked.settled.then(release);
        return asked;
      },
    });
  }

  #load(head: LoadHead, bytes: Uint8Array): { isFromCode: boolean } {
    const { program, isFromCode } = loadProgram(head, bytes, { addon: this.#addon, memories: this.#memories });
    this.#programs.get(head.id)?.[Symbol.dispose]();
    this.#programs.set(head.id, program);
    return { isFromCode };
  }

  #find(id: string): Program {
    const program = this.#programs.get(id);
    if (program === undefined) throw new ProgramFailure("refused", "it is not loaded in this process");
    return program;
  }
}

/** The answer to what holds up everything else: its head goes out before, and what came of it after. */
function afterHead<T>(asked: Uint8Array, work: (asked: Uint8Array) => T): OutgoingAnswer {
  const { promise, resolve } = Promise.withResolvers<T>();
  let isWanted = true;
  const body = new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        await nextTurn();
        if (!isWanted) return;
        resolve(work(asked));
        controller.close();
      },
      cancel: () => {
        isWanted = false;
      },
    },
    { highWaterMark: 0 },
  );
  return { head: {}, body, trailers: promise };
}

/** By then everything has left that was to be sent, and everything has begun that had come. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function toTrailers(coming: Promise<unknown> | undefined) {
  return coming as Promise<HeaderList | undefined> | undefined;
}

/** The border with the host, whose words are trusted. */
function fromHost(head: unknown): HostHead {
  return head as HostHead;
}
