/**
 * The resources `outgoing-request`, `request-options` and `outgoing-response` of `wasi:http/types`.
 *
 * @see https://github.com/WebAssembly/wasi-http/blob/v0.2.0/wit/types.wit
 */

import type { HostFunctions } from "../component/host-function.guest.ts";
import { Fields } from "./fields.guest.ts";
import { isAuthority, isPathWithQuery, isScheme, isToken } from "./http-syntax.guest.ts";
import { type Method, normaliseMethod, normaliseScheme, type Scheme } from "./http-words.guest.ts";
import { type BodyOwner, OutgoingBody } from "./outgoing-body.guest.ts";
import { FAILED, method, OK, ok, type Result, resource } from "./result.guest.ts";

type Done = Result<undefined, undefined>;

/** Headers and a body that is given once. */
class OutgoingMessage {
  readonly headers: Fields;
  readonly #owner: BodyOwner;
  #body: OutgoingBody | undefined;

  constructor(owner: BodyOwner, headers: Fields) {
    this.#owner = owner;
    this.headers = headers.freeze();
  }

  /** The body, once the guest has taken it; a message without is empty. */
  get taken(): OutgoingBody | undefined {
    return this.#body;
  }

  take(): Result<OutgoingBody, undefined> {
    const expected = this.headers.contentLength();
    if (this.#body !== undefined || expected === null) return FAILED;
    this.#body = new OutgoingBody(this.#owner, expected);
    return ok(this.#body);
  }
}

/** The resource `outgoing-request`. */
export class OutgoingRequest {
  readonly message: OutgoingMessage;
  method: Method = { tag: "get", val: undefined };
  pathWithQuery: string | undefined;
  scheme: Scheme | undefined;
  authority: string | undefined;

  constructor(headers: Fields) {
    this.message = new OutgoingMessage("request", headers);
  }

  setMethod(value: Method): Done {
    if (value.tag === "other" && !isToken(value.val)) return FAILED;
    this.method = normaliseMethod(value);
    return OK;
  }

  setPathWithQuery(value: string | undefined): Done {
    if (value !== undefined && !isPathWithQuery(value)) return FAILED;
    this.pathWithQuery = value === "" ? "/" : value;
    return OK;
  }

  setScheme(value: Scheme | undefined): Done {
    if (value?.tag === "other" && !isScheme(value.val)) return FAILED;
    this.scheme = value === undefined ? undefined : normaliseScheme(value);
    return OK;
  }

  setAuthority(value: string | undefined): Done {
    if (value !== undefined && !isAuthority(value)) return FAILED;
    this.authority = value;
    return OK;
  }
}

/** The resource `request-options`. Times are nanoseconds. */
export class RequestOptions {
  connectTimeout: bigint | undefined;
  firstByteTimeout: bigint | undefined;
  betweenBytesTimeout: bigint | undefined;
}

const MIN_STATUS = 100;
const MAX_STATUS = 999;

/** The resource `outgoing-response`. */
export class OutgoingResponse {
  readonly message: OutgoingMessage;
  status = 200;

  constructor(headers: Fields) {
    this.message = new OutgoingMessage("response", headers);
  }

  setStatusCode(status: number): Done {
    if (status < MIN_STATUS || status > MAX_STATUS) return FAILED;
    this.status = status;
    return OK;
  }
}

/** The functions of `outgoing-request`. */
export const OUTGOING_REQUEST: HostFunctions = {
  "[constructor]outgoing-request": (headers: unknown) => new OutgoingRequest(resource(Fields, headers)),
  "[method]outgoing-request.body": method(OutgoingRequest, (self) => self.message.take()),
  "[method]outgoing-request.method": method(OutgoingRequest, (self) => self.method),
  "[method]outgoing-request.set-method": method(OutgoingRequest, (self, value: Method) => self.setMethod(value)),
  "[method]outgoing-request.path-with-query": method(OutgoingRequest, (self) => self.pathWithQuery),
  "[method]outgoing-request.set-path-with-query": method(OutgoingRequest, (self, value: string | undefined) =>
    self.setPathWithQuery(value),
  ),
  "[method]outgoing-request.scheme": method(OutgoingRequest, (self) => self.scheme),
  "[method]outgoing-request.set-scheme": method(OutgoingRequest, (self, value: Scheme | undefined) =>
    self.setScheme(value),
  ),
  "[method]outgoing-request.authority": method(OutgoingRequest, (self) => self.authority),
  "[method]outgoing-request.set-authority": method(OutgoingRequest, (self, value: string | undefined) =>
    self.setAuthority(value),
  ),
  "[method]outgoing-request.headers": method(OutgoingRequest, (self) => self.message.headers),
};

type Timeout = "connectTimeout" | "firstByteTimeout" | "betweenBytesTimeout";

function setter(name: Timeout) {
  return method(RequestOptions, (self, value: bigint | undefined) => {
    self[name] = value;
    return OK;
  });
}

/** The functions of `request-options`. */
export const REQUEST_OPTIONS: HostFunctions = {
  "[constructor]request-options": () => new RequestOptions(),
  "[method]request-options.connect-timeout": method(RequestOptions, (self) => self.connectTimeout),
  "[method]request-options.set-connect-timeout": setter("connectTimeout"),
  "[method]request-options.first-byte-timeout": method(RequestOptions, (self) => self.firstByteTimeout),
  "[method]request-options.set-first-byte-timeout": setter("firstByteTimeout"),
  "[method]request-options.between-bytes-timeout": method(RequestOptions, (self) => self.betweenBytesTimeout),
  "[method]request-options.set-between-bytes-timeout": setter("betweenBytesTimeout"),
};

/** The functions of `outgoing-response`. */
export const OUTGOING_RESPONSE: HostFunctions = {
  "[constructor]outgoing-response": (headers: unknown) => new OutgoingResponse(resource(Fields, headers)),
  "[method]outgoing-response.status-code": method(OutgoingResponse, (self) => self.status),
  "[method]outgoing-response.set-status-code": method(OutgoingResponse, (self, status: number) =>
    self.setStatusCode(status),
  ),
  "[method]outgoing-response.headers": method(OutgoingResponse, (self) => self.message.headers),
  "[method]outgoing-response.body": method(OutgoingResponse, (self) => self.message.take()),
};
