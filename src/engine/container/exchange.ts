/**
 * One request on its connection to a container, and the response to it.
 *
 *     sending ─▶ answered ─▶ settled        the head is known; nothing goes on any more
 *        └──────────┴─▶ broken ─▶ settled   by a limit, by the client, by the container
 *
 * What the container sends is read strictly: what could be read in two ways is an error, and its connection is closed.
 */

import { type Agent, type ClientRequest, type IncomingMessage, request as sendHead } from "node:http";
import type { Socket } from "node:net";
import { NebulaError } from "../../model/errors.ts";
import { type Answer, type Body, type Call, findHeader, type HeaderList } from "../../model/exchange.ts";
import type { Limits } from "../../model/function.ts";
import { findConnection, findNamed, HOP_BY_HOP } from "../../model/hop-by-hop.ts";
import type { Clock } from "../../model/ports.ts";
import { toTrailers } from "../../model/trailers.ts";
import { clientGone, describeFailed, guestExited, responseInvalid, responseTooLarge, wallBroken } from "../failures.ts";
import { guardBody } from "../guest/guard-body.ts";
import { readResponseHead, readTrailers } from "../guest/guest-words.ts";
import { toRequestFields } from "./request-fields.ts";
import { gather, toStream } from "./response-body.ts";
import { sendBody } from "./send-request.ts";
import { toTunnel } from "./tunnel.ts";

/** Whose request it is, for messages, and what it is held to. */
export interface HttpFetchOptions {
  readonly name: string;
  readonly limits: Limits;
}

/** An answer, and the moment when nothing of its exchange goes on any more. */
export interface HttpAnswer extends Answer {
  readonly settled: Promise<void>;
}

/** On which connection, and how long it may take. */
export interface ExchangeOptions extends HttpFetchOptions {
  readonly host: string;
  readonly port: number;
  readonly agent: Agent;
  readonly clock: Clock;
  /** What is left of `limits.wallMs` for the head. */
  readonly wallMs: number;
}

const UNREACHABLE = new Set(["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "EHOSTDOWN", "ETIMEDOUT"]);
/** Interim responses (RFC 9110, section 15.2) before the one that counts; a server needs two or three. */
const MAX_INTERIM = 16;
const NOT_HTTP = "it is not HTTP/1.1 as RFC 9112 has it";
const STALE = new Set(["ECONNRESET", "EPIPE"]);

/** One request on its way. Sent by being made. */
export class Exchange {
  readonly #call: Call;
  readonly #options: ExchangeOptions;
  readonly #request: ClientRequest;
  readonly #answer = Promise.withResolvers<HttpAnswer>();
  readonly #settled = Promise.withResolvers<void>();
  readonly #timer: Disposable;
  readonly #onAbort = () => this.break(clientGone("response"));
  #hasHead = false;
  #interim = 0;
  #isAnswered = false;
  #isSettled = false;
  #tunnel: Socket | undefined;
  /** Why we ended it. */
  #broken: NebulaError | undefined;
  /** What the system or the parser said, when we did not. */
  #cause: NodeJS.ErrnoException | undefined;

  /** @throws {NebulaError} NEBULA_REQUEST_INVALID when the head cannot be written. */
  constructor(call: Call, options: ExchangeOptions) {
    const { clock, wallMs } = options;
    this.#call = call;
    this.#options = options;
    const { fields, lengthBytes } = toRequestFields(call);
    const request = openRequest(call, fields, options);
    this.#request = request;
    this.#timer = clock.after(wallMs, () => this.break(wallBroken(options)));
    call.signal.addEventListener("abort", this.#onAbort);
    request.on("information", () => this.#onInterim());
    request.once("response", (message) => this.#onResponse(message));
    request.once("upgrade", (message, socket: Socket, first) => this.#onUpgrade(message, socket, first));
    request.on("error", (error) => {
      this.#cause ??= error;
      this.#answer.reject(this.#explain());
    });
    request.once("close", () => {
      if (this.#tunnel === undefined) this.#settle();
    });
    sendBody(request, call.body, {
      lengthBytes,
      trailers: call.trailers,
      onFailure: (error) => this.break(error),
    });
  }

  /** Settles when the head is known. */
  get answer(): Promise<HttpAnswer> {
    return this.#answer.promise;
  }

  /** Fulfils when nothing of it goes on any more. */
  get settled(): Promise<void> {
    return this.#settled.promise;
  }

  /** Its connection had been kept, and was closed by the container before anything came back. */
  get wasStale(): boolean {
    const hasFailed = this.#broken === undefined && STALE.has(this.#cause?.code ?? "");
    return hasFailed && this.#request.reusedSocket && !this.#hasHead;
  }

  /** The function that it was sent to. */
  get name(): string {
    return this.#options.name;
  }

  /** Ends it, whatever it is doing: its connection with it. */
  break(error: NebulaError): void {
    this.#broken ??= error;
    this.#answer.reject(this.#broken);
    this.#request.destroy(error);
    // Node keeps the connection of a request that is complete; whose response was refused is believed nothing any more.
    if (!this.#isSettled) this.#request.socket?.destroy();
    this.#tunnel?.destroy(error);
  }

  #settle(): void {
    this.#isSettled = true;
    this.#timer[Symbol.dispose]();
    this.#call.signal.removeEventListener("abort", this.#onAbort);
    if (!this.#isAnswered) this.#answer.reject(this.#explain());
    this.#settled.resolve();
  }

  #onInterim(): void {
    this.#interim += 1;
    if (this.#interim > MAX_INTERIM) this.break(responseInvalid(this.#options, "it is announced again and again"));
  }

  #onResponse(message: IncomingMessage): void {
    this.#hasHead = true;
    // What it means is told by "close".
    message.on("error", () => {});
    message.once("end", () => {
      // Who has said everything without reading the request wants no more of it.
      if (!this.#request.writableFinished) this.#request.destroy();
    });
    this.#answerWith(message).catch((thrown: NebulaError) => this.break(thrown));
  }

  async #answerWith(message: IncomingMessage): Promise<void> {
    const { clock, limits } = this.#options;
    const fields = toFields(message);
    const head = readResponseHead({ status: message.statusCode, headers: toHeaders(fields) }, limits.headerBytes);
    if (typeof head === "string") throw responseInvalid(this.#options, head);
    const coding = findHeader(fields, "transfer-encoding");
    // Another coding would stay in the body, and nobody would know of it.
    const isPlain = coding === undefined || coding.toLowerCase() === "chunked";
    if (message.httpVersionMajor !== 1 || !isPlain) throw responseInvalid(this.#options, NOT_HTTP);
    const length = findHeader(fields, "content-length");
    const lengthBytes = length === undefined ? undefined : Number(length);
    const { bytes, isWhole } = await gather(message, { lengthBytes, clock });
    if (!isWhole && message.destroyed) throw this.#explain();
    const isTooLarge = isWhole && (bytes?.byteLength ?? 0) > limits.responseBodyBytes;
    if (isTooLarge) throw responseTooLarge(this.#options);
    const trailers = coding !== undefined ? this.#whenTrailing(message, isWhole) : undefined;
    this.#resolve({ head, body: isWhole ? bytes : this.#guard(message, bytes), trailers, settled: this.settled });
  }

  #resolve(answer: HttpAnswer): void {
    this.#isAnswered = true;
    this.#timer[Symbol.dispose]();
    this.#answer.resolve(answer);
  }

  #guard(message: IncomingMessage, first: Buffer | null): Body {
    const { clock, limits } = this.#options;
    const body = toStream(message, { first, onCancel: this.#onAbort, explain: () => this.#explain() });
    return guardBody(body, {
      limitBytes: limits.responseBodyBytes,
      idleMs: limits.wallMs,
      after: (ms, callback) => clock.after(ms, callback),
      onTooLarge: () => responseTooLarge(this.#options),
      onIdle: () => wallBroken(this.#options),
      onFailure: async () => this.#explain(),
      onBreak: (error) => this.break(error instanceof NebulaError ? error : this.#explain()),
    });
  }

  /** What comes after the body; undefined at once when it is over and there is nothing. */
  #whenTrailing(message: IncomingMessage, isWhole: boolean): Promise<HeaderList | undefined> | undefined {
    if (isWhole) return message.rawTrailers.length === 0 ? undefined : Promise.resolve(this.#readTrailers(message));
    const { promise, resolve, reject } = Promise.withResolvers<HeaderList | undefined>();
    message.once("end", () => {
      try {
        resolve(this.#readTrailers(message));
      } catch (thrown) {
        reject(thrown);
      }
    });
    message.once("close", () => {
      if (!message.readableEnded) reject(this.#explain());
    });
    // because whoever has no use for them does not ask
    promise.catch(() => {});
    return promise;
  }

  #readTrailers(message: IncomingMessage): HeaderList | undefined {
    const list = readTrailers(toTrailers(message.rawTrailers) ?? [], this.#options.limits.headerBytes);
    if (typeof list === "string") throw responseInvalid(this.#options, list);
    return list.length === 0 ? undefined : list;
  }

  #onUpgrade(message: IncomingMessage, socket: Socket, first: Buffer): void {
    this.#hasHead = true;
    this.#tunnel = socket;
    // What it means is told by the tunnel's streams.
    socket.on("error", () => {});
    socket.once("close", () => this.#settle());
    const protocol = findHeader(toFields(message), "upgrade")?.toLowerCase();
    if (this.#call.upgrade === undefined || protocol !== this.#call.upgrade) {
      this.break(responseInvalid(this.#options, "it changes to a protocol that nobody asked for"));
      return;
    }
    const tunnel = toTunnel(socket, { first, onCancel: this.#onAbort, explain: () => this.#explain() });
    const head = { status: 101, headers: toHeaders(toFields(message)) };
    this.#resolve({
      head,
      body: null,
      tunnel,
      settled: this.settled,
    });
  }

  #explain(): NebulaError {
    const { name, limits, port } = this.#options;
    const { code = "" } = this.#cause ?? {};
    if (this.#broken !== undefined) return this.#broken;
    if (code === "HPE_HEADER_OVERFLOW") {
      return responseInvalid(this.#options, `its headers have more than ${limits.headerBytes} bytes`);
    }
    if (code.startsWith("HPE_")) {
      return responseInvalid(this.#options, NOT_HTTP, this.#cause);
    }
    const why = UNREACHABLE.has(code) ? `nothing answers on its port ${port}` : "its container closed the connection";
    return guestExited(this.#options, `${describeFailed(name, { hasHead: this.#hasHead })}: ${why}`, this.#cause);
  }
}

function openRequest({ head }: Call, headers: string[], { host, port, agent, limits }: ExchangeOptions): ClientRequest {
  const { method, url } = head;
  const path = url.slice(url.indexOf("/", url.indexOf("://") + "://".length));
  try {
    return sendHead({
      ...{ host, port, agent, method, path, headers },
      maxHeaderSize: limits.headerBytes,
      insecureHTTPParser: false,
    });
  } catch (cause) {
    throw new NebulaError("NEBULA_REQUEST_INVALID", "Cannot pass on the request: its head is not HTTP", { cause });
  }
}

/** As they came, names in lower case. */
function toFields({ rawHeaders }: IncomingMessage): HeaderList {
  return rawHeaders.map((text, i) => (i % 2 === 0 ? text.toLowerCase() : text));
}

/** Without what ends with the connection. The announcement of trailers stays, for whoever sends them on. */
function toHeaders(fields: HeaderList): HeaderList {
  const connection = findConnection(fields);
  const named = connection === undefined ? undefined : findNamed(connection);
  const headers: string[] = [];
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i] ?? "";
    if ((HOP_BY_HOP.has(name) && name !== "trailer") || named?.has(name) === true) continue;
    headers.push(name, fields[i + 1] ?? "");
  }
  return headers;
}
