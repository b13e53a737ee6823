/**
 * What a function in Wasm has of the world: the interfaces of WASI 0.2 as its JavaScript engine shows them.
 *
 * Methods that give a WIT `result` return what is ok and throw an error with the rest in `payload`. Resources are
 * dropped by `Symbol.dispose`. 64-bit numbers are plain numbers, an absent option is `null`.
 * @see https://github.com/WebAssembly/WASI/tree/main/proposals
 */

/** wasi:io/poll, something to wait for. */
export interface Pollable extends Disposable {
  ready(): boolean;
}

/** wasi:io/streams, bytes that come. */
export interface InputStream extends Disposable {
  read(length: number): Uint8Array;
  subscribe(): Pollable;
}

/** wasi:io/streams, bytes that go. */
export interface OutputStream extends Disposable {
  checkWrite(): number;
  write(bytes: Uint8Array): void;
  flush(): void;
  blockingWriteAndFlush(bytes: Uint8Array): void;
  subscribe(): Pollable;
}

/** A WIT variant. */
export interface Tagged {
  readonly tag: string;
  readonly val?: unknown;
}

/** A header line: the value is bytes. */
export type FieldEntry = [name: string, value: Uint8Array];

/** wasi:http/types, header lines. */
export interface Fields extends Disposable {
  entries(): FieldEntry[];
}

/** wasi:http/types, the body of a request or response that comes. */
export interface IncomingBody extends Disposable {
  stream(): InputStream;
}

/** wasi:http/types, the body of a request or response that goes. */
export interface OutgoingBody extends Disposable {
  write(): OutputStream;
}

/** wasi:http/types, the request to answer. */
export interface IncomingRequest extends Disposable {
  method(): Tagged;
  pathWithQuery(): string | null;
  scheme(): Tagged | null;
  authority(): string | null;
  headers(): Fields;
  consume(): IncomingBody;
}

/** wasi:http/types, the answer to a request of our own. */
export interface IncomingResponse extends Disposable {
  status(): number;
  headers(): Fields;
  consume(): IncomingBody;
}

/** wasi:http/types, a request of our own. */
export interface OutgoingRequest extends Disposable {
  setMethod(method: Tagged): void;
  setPathWithQuery(path: string | null): void;
  setScheme(scheme: Tagged | null): void;
  setAuthority(authority: string | null): void;
  body(): OutgoingBody;
}

/** wasi:http/types, the answer that we give. */
export interface OutgoingResponse extends Disposable {
  setStatusCode(status: number): void;
  body(): OutgoingBody;
}

/** wasi:http/types, the answer to a request of our own, some time. */
export interface FutureIncomingResponse extends Disposable {
  subscribe(): Pollable;
  /** `null` as long as there is none; then a result in a result, of which the outer one is always ok. */
  get(): Tagged | null;
}

/** wasi:http/types, where the answer goes. */
export type ResponseOutparam = object;

/** All of them, handed over by the entry that the build writes. */
export interface Host {
  readonly types: {
    readonly Fields: { fromList(entries: readonly FieldEntry[]): Fields };
    readonly OutgoingRequest: new (headers: Fields) => OutgoingRequest;
    readonly OutgoingResponse: new (headers: Fields) => OutgoingResponse;
    readonly OutgoingBody: { finish(body: OutgoingBody, trailers: Fields | null): void };
    readonly ResponseOutparam: { set(out: ResponseOutparam, response: Tagged): void };
  };
  readonly outgoing: { handle(request: OutgoingRequest, options: null): FutureIncomingResponse };
  readonly poll: { poll(pollables: readonly Pollable[]): ArrayLike<number> };
  readonly monotonic: { now(): number; subscribeDuration(nanoseconds: number): Pollable };
  readonly wall: { now(): { readonly seconds: number; readonly nanoseconds: number } };
  readonly random: { getRandomBytes(length: number): Uint8Array };
  readonly environment: { getEnvironment(): readonly (readonly [name: string, value: string])[] };
  readonly stderr: { getStderr(): OutputStream };
}

/** What a host function threw: the `err` of its result. */
export function payloadOf(thrown: unknown): Tagged | undefined {
  if (typeof thrown !== "object" || thrown === null || !("payload" in thrown)) return undefined;
  const { payload } = thrown;
  if (typeof payload === "string") return { tag: payload };
  if (typeof payload !== "object" || payload === null || !("tag" in payload)) return undefined;
  return { tag: String(payload.tag), ...("val" in payload && { val: payload.val }) };
}
