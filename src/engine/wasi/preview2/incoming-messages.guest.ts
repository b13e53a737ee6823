/**
 * The resources `incoming-request`, `incoming-response` and `future-incoming-response` of `wasi:http/types`.
 *
 * Headers are a view that does no harm when it outlives its message, as in wasmtime: guests with a garbage collector
 * drop them in any order.
 *
 * @see https://github.com/WebAssembly/wasi-http/blob/v0.2.0/wit/types.wit
 */

import type { HeaderList } from "../../../model/exchange.ts";
import type { HostFunctions } from "../component/host-function.guest.ts";
import { Fields } from "./fields.guest.ts";
import type { ErrorCode } from "./http-error-code.guest.ts";
import { toMethod, toScheme } from "./http-words.guest.ts";
import { IncomingBody, type IncomingContent, toSource } from "./incoming-body.guest.ts";
import { Pollable } from "./poll.guest.ts";
import { type Waitable, Waiters } from "./readiness.guest.ts";
import { FAILED, method, ok, type Result } from "./result.guest.ts";

/** Headers, made when asked for, and a body that is given once. */
class IncomingMessage implements Disposable {
  readonly #list: HeaderList;
  readonly #content: IncomingContent;
  #headers: Fields | undefined;
  #body: IncomingBody | undefined;
  #isOver = false;

  constructor(headers: HeaderList, content: IncomingContent) {
    this.#list = headers;
    this.#content = content;
  }

  get headers(): Fields {
    this.#headers ??= Fields.fromList(this.#list);
    return this.#headers;
  }

  consume(): Result<IncomingBody, undefined> {
    if (this.#body !== undefined || this.#isOver) return FAILED;
    this.#body = new IncomingBody(this.#content);
    return ok(this.#body);
  }

  /** Nobody reads the body any more, consumed or not. */
  end(): void {
    if (this.#body !== undefined) this.#body.cancel();
    else this[Symbol.dispose]();
  }

  /** Dropped by the guest: a body that was consumed lives on. */
  [Symbol.dispose](): void {
    if (this.#body !== undefined || this.#isOver) return;
    this.#isOver = true;
    toSource(this.#content.body).cancel?.();
  }
}

/** A request that comes in. `url` is absolute. */
export interface IncomingRequestHead {
  readonly method: string;
  readonly url: string;
  readonly headers: HeaderList;
}

/** `scheme://authority/path?query` in its parts; the path is never empty. */
const URL_PARTS = /^([^:/?#]+):\/\/([^/?#]*)([^#]*)/;

/** The resource `incoming-request`. */
export class IncomingRequest implements Disposable {
  readonly message: IncomingMessage;
  readonly #head: IncomingRequestHead;

  constructor(head: IncomingRequestHead, content: IncomingContent) {
    this.#head = head;
    this.message = new IncomingMessage(head.headers, content);
  }

  get method() {
    return toMethod(this.#head.method);
  }

  get scheme() {
    return toScheme(this.#part(1));
  }

  get authority(): string {
    return this.#part(2);
  }

  get pathWithQuery(): string {
    const path = this.#part(3);
    return path.startsWith("/") ? path : `/${path}`;
  }

  [Symbol.dispose](): void {
    this.message[Symbol.dispose]();
  }

  #part(index: number): string {
    return URL_PARTS.exec(this.#head.url)?.[index] ?? "";
  }
}

/** The resource `incoming-response`. */
export class IncomingResponse implements Disposable {
  readonly message: IncomingMessage;
  readonly status: number;

  constructor(head: { readonly status: number; readonly headers: HeaderList }, content: IncomingContent) {
    this.status = head.status;
    this.message = new IncomingMessage(head.headers, content);
  }

  [Symbol.dispose](): void {
    this.message[Symbol.dispose]();
  }
}

type Response = Result<IncomingResponse, ErrorCode>;

/** The resource `future-incoming-response`. */
export class FutureIncomingResponse implements Waitable, Disposable {
  readonly waiters = new Waiters();
  #response: Response | undefined;
  #isTaken = false;
  readonly #onDrop: () => void;

  /** `onDrop` is called when the guest does not wait for the response any more. */
  constructor(onDrop: () => void) {
    this.#onDrop = onDrop;
  }

  isReady(): boolean {
    return this.#response !== undefined;
  }

  settle(response: Response): void {
    this.#response ??= response;
    this.waiters.wakeAll();
  }

  get(): Result<Response, undefined> | undefined {
    if (this.#response === undefined) return undefined;
    if (this.#isTaken) return FAILED;
    this.#isTaken = true;
    return ok(this.#response);
  }

  /** A response that nobody took ends with it. */
  [Symbol.dispose](): void {
    if (!this.#isTaken) this.#onDrop();
  }
}

/** The functions of `incoming-request`. */
export const INCOMING_REQUEST: HostFunctions = {
  "[method]incoming-request.method": method(IncomingRequest, (self) => self.method),
  "[method]incoming-request.path-with-query": method(IncomingRequest, (self) => self.pathWithQuery),
  "[method]incoming-request.scheme": method(IncomingRequest, (self) => self.scheme),
  "[method]incoming-request.authority": method(IncomingRequest, (self) => self.authority),
  "[method]incoming-request.headers": method(IncomingRequest, (self) => self.message.headers),
  "[method]incoming-request.consume": method(IncomingRequest, (self) => self.message.consume()),
};

/** The functions of `incoming-response` and `future-incoming-response`. */
export const INCOMING_RESPONSE: HostFunctions = {
  "[method]incoming-response.status": method(IncomingResponse, (self) => self.status),
  "[method]incoming-response.headers": method(IncomingResponse, (self) => self.message.headers),
  "[method]incoming-response.consume": method(IncomingResponse, (self) => self.message.consume()),
  "[method]future-incoming-response.subscribe": method(FutureIncomingResponse, (self) => new Pollable(self)),
  "[method]future-incoming-response.get": method(FutureIncomingResponse, (self) => self.get()),
};
