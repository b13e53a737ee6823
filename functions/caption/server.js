// Made by functions/_shared/bundle.sh.
// biome-ignore-all lint: made of other files
// biome-ignore-all format: made of other files
// biome-ignore-all assist: made of other files

// server.js
import { readFileSync } from "node:fs";
import { basename } from "node:path";

// wasi.ts
var MAX_OUTPUT_BYTES = 64 * 2 ** 20;
var SUCCESS = 0;
var BAD_DESCRIPTOR = 8;
var NOT_SUPPORTED = 52;
var NO_SEEK = 70;
var CHARACTER_DEVICE = 2;
var Exit = class extends Error {
  code;
  constructor(code) {
    super(`exit code ${code}`);
    this.code = code;
  }
};
function runProgram(module, input) {
  const outputs = { 1: new Pieces(), 2: new Pieces() };
  const functions = createFunctions(input, outputs, () => memory);
  const imports = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    imports[from] ??= {};
    imports[from][name] = functions[name] ?? (() => NOT_SUPPORTED);
  }
  const { exports } = new WebAssembly.Instance(module, imports);
  const memory = exports.memory;
  const exitCode = run(exports._start);
  return { exitCode, stdout: outputs[1].join(), stderr: new TextDecoder().decode(outputs[2].join()) };
}
function run(start) {
  try {
    start();
    return 0;
  } catch (thrown) {
    if (thrown instanceof Exit) return thrown.code;
    throw thrown;
  }
}
var Pieces = class {
  #pieces = [];
  #bytes = 0;
  /** How many there are. */
  get byteLength() {
    return this.#bytes;
  }
  push(piece) {
    this.#bytes += piece.byteLength;
    this.#pieces.push(piece);
  }
  /** All of them as one. */
  join() {
    const whole = new Uint8Array(this.#bytes);
    let at = 0;
    for (const piece of this.#pieces) {
      whole.set(piece, at);
      at += piece.byteLength;
    }
    return whole;
  }
};
function createFunctions({ args, env, stdin }, outputs, getMemory) {
  let readTo = 0;
  const view = () => new DataView(getMemory().buffer);
  const bytes = (at, length) => new Uint8Array(getMemory().buffer, at, length);
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const pieces = (list, count) => {
    const memory = view();
    return Array.from(
      { length: count },
      (_, i) => bytes(memory.getUint32(list + 8 * i, true), memory.getUint32(list + 8 * i + 4, true))
    );
  };
  const toTexts = (texts) => {
    const encoded = texts.map((text) => new TextEncoder().encode(`${text.replaceAll("\0", "")}\0`));
    return {
      sizes: (countAt, bytesAt) => {
        view().setUint32(countAt, encoded.length, true);
        view().setUint32(
          bytesAt,
          encoded.reduce((sum, { byteLength }) => sum + byteLength, 0),
          true
        );
        return SUCCESS;
      },
      get: (list, at) => {
        let [entry, to] = [list, at];
        for (const text of encoded) {
          view().setUint32(entry, to, true);
          bytes(to, text.byteLength).set(text);
          entry += 4;
          to += text.byteLength;
        }
        return SUCCESS;
      }
    };
  };
  const [given, named] = [toTexts(args), toTexts(variables)];
  return {
    args_sizes_get: given.sizes,
    args_get: given.get,
    environ_sizes_get: named.sizes,
    environ_get: named.get,
    proc_exit: (code) => {
      throw new Exit(code);
    },
    fd_read: (descriptor, list, count, readAt) => {
      if (descriptor !== 0) return BAD_DESCRIPTOR;
      const before = readTo;
      for (const piece of pieces(list, count)) {
        const part = stdin.subarray(readTo, readTo + piece.byteLength);
        piece.set(part);
        readTo += part.byteLength;
      }
      view().setUint32(readAt, readTo - before, true);
      return SUCCESS;
    },
    fd_write: (descriptor, list, count, writtenAt) => {
      const output = outputs[descriptor];
      if (output === void 0) return BAD_DESCRIPTOR;
      let written = 0;
      for (const piece of pieces(list, count)) {
        output.push(piece.slice());
        written += piece.byteLength;
        if (output.byteLength > MAX_OUTPUT_BYTES) throw new Error("The program writes too much");
      }
      view().setUint32(writtenAt, written, true);
      return SUCCESS;
    },
    fd_fdstat_get: (descriptor, at) => {
      if (descriptor > 2) return BAD_DESCRIPTOR;
      bytes(at, 24).fill(0);
      view().setUint8(at, CHARACTER_DEVICE);
      return SUCCESS;
    },
    fd_seek: () => NO_SEEK,
    fd_close: () => SUCCESS,
    fd_prestat_get: () => BAD_DESCRIPTOR,
    random_get: (at, length) => {
      for (let done = 0; done < length; done += 65536) {
        crypto.getRandomValues(bytes(at + done, Math.min(65536, length - done)));
      }
      return SUCCESS;
    },
    clock_time_get: (_clock, _precision, at) => {
      view().setBigUint64(at, BigInt(Date.now()) * 1000000n, true);
      return SUCCESS;
    },
    sched_yield: () => SUCCESS
  };
}

// cgi.ts
var MAX_BODY_BYTES = 16 * 2 ** 20;
var HIDDEN = /* @__PURE__ */ new Set([
  "authorization",
  "proxy-authorization",
  "proxy",
  "content-length",
  "content-type",
  "connection"
]);
var BODILESS = /* @__PURE__ */ new Set([204, 205, 304]);
function toHandler(name, program) {
  return {
    fetch: async (request) => {
      const stdin = await readBody(request);
      if (stdin === void 0) return new Response("The body is longer than 16 MiB\n", { status: 413 });
      const env = toEnvironment(request, stdin.byteLength);
      const { exitCode, stdout, stderr } = runProgram(program, { args: [name], env, stdin });
      if (stderr !== "") console.error(stderr.trimEnd());
      if (exitCode !== 0) throw new Error(`The program ended with exit code ${exitCode}`);
      return toResponse(request, stdout);
    }
  };
}
async function readBody({ body }) {
  const pieces = new Pieces();
  for await (const piece of body ?? []) {
    pieces.push(piece);
    if (pieces.byteLength > MAX_BODY_BYTES) return void 0;
  }
  return pieces.join();
}
function toEnvironment({ method, url, headers }, bodyBytes) {
  const { protocol, hostname, port, pathname, search } = new URL(url);
  const env = {
    CONTENT_LENGTH: String(bodyBytes),
    GATEWAY_INTERFACE: "CGI/1.1",
    PATH_INFO: decodePath(pathname),
    QUERY_STRING: search.slice(1),
    REMOTE_ADDR: headers.get("cf-connecting-ip") ?? "",
    REQUEST_METHOD: method,
    SCRIPT_NAME: "",
    SERVER_NAME: hostname,
    SERVER_PORT: port || (protocol === "https:" ? "443" : "80"),
    SERVER_PROTOCOL: "HTTP/1.1"
  };
  const type = headers.get("content-type");
  if (type !== null) env.CONTENT_TYPE = type;
  for (const [header, value] of headers) {
    if (!HIDDEN.has(header)) env[`HTTP_${header.toUpperCase().replaceAll("-", "_")}`] = value;
  }
  return env;
}
function decodePath(path) {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
function toResponse({ method }, output) {
  const headers = new Headers();
  let status;
  let start = 0;
  for (; ; ) {
    const end = output.indexOf(10, start);
    if (end < 0) throw new Error("The program's output does not begin with header lines and an empty line");
    const line = String.fromCharCode(...output.subarray(start, end)).replace(/\r$/, "");
    start = end + 1;
    if (line === "") break;
    const colon = line.indexOf(":");
    if (colon < 1) throw new Error("A line of the program's head is no header field");
    const [name, value] = [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()];
    if (name === "status") status = Number(value.slice(0, 3));
    else headers.append(name, value);
  }
  status ??= headers.has("location") ? 302 : 200;
  const hasBody = method !== "HEAD" && !BODILESS.has(status);
  return new Response(hasBody ? output.subarray(start) : null, { status, headers });
}

// serve.js
import { createServer } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
function serve(handler, port = Number(process.env.PORT ?? 8080)) {
  let isStopping = false;
  const server = createServer(async (incoming, outgoing) => {
    await answer(handler, incoming, outgoing);
    if (isStopping) server.closeIdleConnections();
  });
  const stop = () => {
    isStopping = true;
    server.close();
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
  server.listen(port);
}
async function answer(handler, incoming, outgoing) {
  const gone = new AbortController();
  outgoing.once("close", () => gone.abort());
  const request = toRequest(incoming, gone.signal);
  if (request === void 0) return refuse(outgoing, 400, "This is no request that can be answered");
  try {
    const { status, headers, body } = await handler.fetch(request);
    outgoing.writeHead(status, [...headers].flat());
    if (body === null || request.method === "HEAD") outgoing.end();
    else await pipeline(body, outgoing);
  } catch (thrown) {
    if (gone.signal.aborted) return;
    console.error(thrown);
    refuse(outgoing, 500, "The function failed");
  }
}
function toRequest(incoming, signal) {
  const { method, url, headers, rawHeaders } = incoming;
  if (!url.startsWith("/")) return void 0;
  const pairs = [];
  for (let i = 0; i < rawHeaders.length; i += 2) pairs.push([rawHeaders[i], rawHeaders[i + 1]]);
  const body = method === "GET" || method === "HEAD" ? null : Readable.toWeb(incoming);
  try {
    const address = new URL(`http://${headers.host ?? "localhost"}${url}`);
    return new Request(address, { method, headers: pairs, body, duplex: "half", signal });
  } catch {
    return void 0;
  }
}
function refuse(outgoing, status, reason) {
  if (outgoing.headersSent) outgoing.destroy();
  else outgoing.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(`${reason}
`);
}

// server.js
var [file] = process.argv.slice(2);
serve(toHandler(basename(file, ".wasm"), new WebAssembly.Module(readFileSync(file))));
