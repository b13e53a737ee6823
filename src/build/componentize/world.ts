/**
 * The world of a function in Wasm, as WIT: the part of wasi:http/proxy that the prelude uses.
 *
 * Names and types are those of WASI 0.2 (https://github.com/WebAssembly/WASI/tree/main/proposals); what is left out
 * here is not imported, so that linking an instance does less.
 *
 * The tool gives `wasi:io` a host of its own while it evaluates the function, and `wasi:http` none, whose streams would
 * then be of another type. So the world goes by another name until the component is made (rename.ts), and by a version
 * that is not that of the engine's own imports.
 */

/** What stands for `wasi`, as long as it. */
export const NAMESPACE = "nebu";
const VERSION = "0.2.6";

/** The world that the entry of the guest implements. */
export const WORLD = "function";

/** Name inside the guest → module of the host. */
export const HOST_MODULES: Readonly<Record<string, string>> = {
  types: `${NAMESPACE}:http/types@${VERSION}`,
  outgoing: `${NAMESPACE}:http/outgoing-handler@${VERSION}`,
  poll: `${NAMESPACE}:io/poll@${VERSION}`,
  monotonic: `${NAMESPACE}:clocks/monotonic-clock@${VERSION}`,
  wall: `${NAMESPACE}:clocks/wall-clock@${VERSION}`,
  random: `${NAMESPACE}:random/random@${VERSION}`,
  environment: `${NAMESPACE}:cli/environment@${VERSION}`,
  stderr: `${NAMESPACE}:cli/stderr@${VERSION}`,
};

const ROOT = `package nebula:javascript;

world ${WORLD} {
${Object.values(HOST_MODULES)
  .map((name) => `  import ${name};`)
  .join("\n")}
  export ${NAMESPACE}:http/incoming-handler@${VERSION};
}
`;

const IO = `package ${NAMESPACE}:io@${VERSION};

interface error {
  resource error {}
}

interface poll {
  resource pollable {
    ready: func() -> bool;
  }
  poll: func(in: list<borrow<pollable>>) -> list<u32>;
}

interface streams {
  use error.{error};
  use poll.{pollable};
  variant stream-error { last-operation-failed(error), closed }
  resource input-stream {
    read: func(len: u64) -> result<list<u8>, stream-error>;
    subscribe: func() -> pollable;
  }
  resource output-stream {
    check-write: func() -> result<u64, stream-error>;
    write: func(contents: list<u8>) -> result<_, stream-error>;
    blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>;
    flush: func() -> result<_, stream-error>;
    subscribe: func() -> pollable;
  }
}
`;

const CLOCKS = `package ${NAMESPACE}:clocks@${VERSION};

interface monotonic-clock {
  use ${NAMESPACE}:io/poll@${VERSION}.{pollable};
  type instant = u64;
  type duration = u64;
  now: func() -> instant;
  subscribe-duration: func(when: duration) -> pollable;
}

interface wall-clock {
  record datetime { seconds: u64, nanoseconds: u32 }
  now: func() -> datetime;
}
`;

const RANDOM = `package ${NAMESPACE}:random@${VERSION};

interface random {
  get-random-bytes: func(len: u64) -> list<u8>;
}
`;

const CLI = `package ${NAMESPACE}:cli@${VERSION};

interface environment {
  get-environment: func() -> list<tuple<string, string>>;
}

interface stderr {
  use ${NAMESPACE}:io/streams@${VERSION}.{output-stream};
  get-stderr: func() -> output-stream;
}
`;

const HTTP = `package ${NAMESPACE}:http@${VERSION};

interface types {
  use ${NAMESPACE}:io/poll@${VERSION}.{pollable};
  use ${NAMESPACE}:io/streams@${VERSION}.{input-stream, output-stream};
  variant method { get, head, post, put, delete, connect, options, trace, patch, other(string) }
  variant scheme { HTTP, HTTPS, other(string) }
  record DNS-error-payload { rcode: option<string>, info-code: option<u16> }
  record TLS-alert-received-payload { alert-id: option<u8>, alert-message: option<string> }
  record field-size-payload { field-name: option<string>, field-size: option<u32> }
  variant error-code {
    DNS-timeout, DNS-error(DNS-error-payload), destination-not-found, destination-unavailable,
    destination-IP-prohibited, destination-IP-unroutable, connection-refused, connection-terminated,
    connection-timeout, connection-read-timeout, connection-write-timeout, connection-limit-reached,
    TLS-protocol-error, TLS-certificate-error, TLS-alert-received(TLS-alert-received-payload),
    HTTP-request-denied, HTTP-request-length-required, HTTP-request-body-size(option<u64>),
    HTTP-request-method-invalid, HTTP-request-URI-invalid, HTTP-request-URI-too-long,
    HTTP-request-header-section-size(option<u32>), HTTP-request-header-size(option<field-size-payload>),
    HTTP-request-trailer-section-size(option<u32>), HTTP-request-trailer-size(field-size-payload),
    HTTP-response-incomplete, HTTP-response-header-section-size(option<u32>),
    HTTP-response-header-size(field-size-payload), HTTP-response-body-size(option<u64>),
    HTTP-response-trailer-section-size(option<u32>), HTTP-response-trailer-size(field-size-payload),
    HTTP-response-transfer-coding(option<string>), HTTP-response-content-coding(option<string>),
    HTTP-response-timeout, HTTP-upgrade-failed, HTTP-protocol-error, loop-detected, configuration-error,
    internal-error(option<string>)
  }
  variant header-error { invalid-syntax, forbidden, immutable }
  type field-key = string;
  type field-name = field-key;
  type field-value = list<u8>;
  resource fields {
    from-list: static func(entries: list<tuple<field-name, field-value>>) -> result<fields, header-error>;
    entries: func() -> list<tuple<field-name, field-value>>;
  }
  type headers = fields;
  type trailers = fields;
  resource incoming-request {
    method: func() -> method;
    path-with-query: func() -> option<string>;
    scheme: func() -> option<scheme>;
    authority: func() -> option<string>;
    headers: func() -> headers;
    consume: func() -> result<incoming-body>;
  }
  resource outgoing-request {
    constructor(headers: headers);
    body: func() -> result<outgoing-body>;
    set-method: func(method: method) -> result;
    set-path-with-query: func(path-with-query: option<string>) -> result;
    set-scheme: func(scheme: option<scheme>) -> result;
    set-authority: func(authority: option<string>) -> result;
  }
  resource request-options {}
  resource response-outparam {
    set: static func(param: response-outparam, response: result<outgoing-response, error-code>);
  }
  type status-code = u16;
  resource incoming-response {
    status: func() -> status-code;
    headers: func() -> headers;
    consume: func() -> result<incoming-body>;
  }
  resource incoming-body {
    %stream: func() -> result<input-stream>;
  }
  resource outgoing-response {
    constructor(headers: headers);
    set-status-code: func(status-code: status-code) -> result;
    body: func() -> result<outgoing-body>;
  }
  resource outgoing-body {
    write: func() -> result<output-stream>;
    finish: static func(this: outgoing-body, trailers: option<trailers>) -> result<_, error-code>;
  }
  resource future-incoming-response {
    subscribe: func() -> pollable;
    get: func() -> option<result<result<incoming-response, error-code>>>;
  }
}

interface incoming-handler {
  use types.{incoming-request, response-outparam};
  handle: func(request: incoming-request, response-out: response-outparam);
}

interface outgoing-handler {
  use types.{outgoing-request, request-options, future-incoming-response, error-code};
  handle: func(request: outgoing-request, options: option<request-options>) -> result<future-incoming-response, error-code>;
}
`;

/** Files of a folder that tools of WIT take. */
export const WIT_FILES: Readonly<Record<string, string>> = {
  "world.wit": ROOT,
  "deps/io/io.wit": IO,
  "deps/clocks/clocks.wit": CLOCKS,
  "deps/random/random.wit": RANDOM,
  "deps/cli/cli.wit": CLI,
  "deps/http/http.wit": HTTP,
};
