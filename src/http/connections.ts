/**
 * The connections of the data port, and what is in flight on each of them.
 *
 * Node answers a connection's requests in their order, but hands all of them over as they come: one that is
 * refused must take those behind it along, or a client and we could disagree on where a request begins.
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { NebulaError } from "../model/errors.ts";

/** A request whose response has not left whole. */
export interface Exchange {
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
  readonly abort: AbortController;
  /** What the connection could go on with: HTTP has been left on it already, but for this response. */
  readonly upgrade?: "websocket" | undefined;
}

/** Follows connections from `open` until they close. */
export class Connections {
  readonly #inFlight = new Map<Duplex, Set<Exchange>>();
  readonly #ending = new WeakSet<Duplex>();
  readonly #tunnels = new Set<Socket>();
  #isDraining = false;

  /** Follows a new connection. */
  open(socket: Socket): void {
    this.#inFlight.set(socket, new Set());
    socket.once("close", () => this.#inFlight.delete(socket));
  }

  /**
   * Adds a request to its connection until its response closes, and aborts it when that is before the response has
   * left whole. False when the connection takes no more.
   */
  begin(exchange: Exchange): boolean {
    const { message, response, abort } = exchange;
    const { socket } = message;
    const exchanges = this.#inFlight.get(socket);
    if (exchanges === undefined || this.#ending.has(socket)) return false;
    if (this.#isDraining) response.shouldKeepAlive = false;
    exchanges.add(exchange);
    response.once("close", () => {
      exchanges.delete(exchange);
      if (!response.writableFinished)
        abort.abort(new NebulaError("NEBULA_CLIENT_GONE", "The client left before the response was complete"));
      if (this.#isDraining && exchanges.size === 0) socket.destroySoon();
      if (this.#isDraining) this.#endTunnels();
    });
    return true;
  }

  /** Whether nothing is in flight on a connection, and something may be. */
  isFree(socket: Duplex): boolean {
    return this.#inFlight.get(socket)?.size === 0 && !this.#ending.has(socket) && !this.#isDraining;
  }

  /** The connection carries another protocol from now on. */
  addTunnel(socket: Socket): void {
    this.#tunnels.add(socket);
    socket.once("close", () => this.#tunnels.delete(socket));
    if (this.#isDraining) this.#endTunnels();
  }

  /** No request behind the present ones is taken from this connection. False when that was so already. */
  end(socket: Duplex): boolean {
    if (this.#ending.has(socket)) return false;
    this.#ending.add(socket);
    return true;
  }

  /**
   * Gives up what is in flight on a connection.
   *
   *     "none"       nothing was: nobody has been told
   *     "unanswered" all of it has learned from its signal, and no byte of an answer has left
   *     "begun"      as above, but a response is on its way and nothing else can be said here
   */
  fail(socket: Duplex, error: NebulaError): "none" | "unanswered" | "begun" {
    const exchanges = [...(this.#inFlight.get(socket) ?? [])];
    const hasBegun = exchanges.some(({ response }) => response.headersSent);
    for (const { abort } of exchanges) abort.abort(error);
    if (exchanges.length === 0) return "none";
    return hasBegun ? "begun" : "unanswered";
  }

  /** Whether it is silent because its client waits for us: all is read, and nothing waits to be written. */
  isWaiting(socket: Socket): boolean {
    const exchanges = [...(this.#inFlight.get(socket) ?? [])];
    return exchanges.length > 0 && socket.writableLength === 0 && exchanges.every(({ message }) => message.complete);
  }

  /** Closes connections on which nothing is in flight now, and the others after what is. */
  drain(): void {
    this.#isDraining = true;
    for (const [socket, exchanges] of this.#inFlight) {
      if (exchanges.size === 0) socket.destroy();
      for (const { response } of exchanges) response.shouldKeepAlive = false;
    }
    this.#endTunnels();
  }

  /** Closes all connections, whatever is in flight. */
  cut(): void {
    for (const socket of this.#inFlight.keys()) socket.destroy();
  }

  /** A tunnel has no end of its own: it may stay for as long as a request does. */
  #endTunnels(): void {
    const tunnels: ReadonlySet<Duplex> = this.#tunnels;
    const isBusy = [...this.#inFlight].some(([socket, { size }]) => size > 0 && !tunnels.has(socket));
    if (!isBusy) for (const socket of this.#tunnels) socket.destroySoon();
  }
}
