/**
 * A CGI program as a fetch handler, for where nothing else asks it so: a fresh instance for each request.
 *
 *     request line, headers, body  →  environment, standard input
 *     standard output              →  header lines, an empty line, the body
 *
 * @see https://www.rfc-editor.org/rfc/rfc3875
 */

import { Pieces, runProgram } from "./wasi.ts";

/** `export default` of a Worker. */
export interface Handler {
  fetch(request: Request): Promise<Response>;
}

/** All of a body is in memory when the program starts. */
const MAX_BODY_BYTES = 16 * 2 ** 20;
/** Credentials are not for the environment (section 4.1.18), and `Proxy` would be a setting of many HTTP clients. */
const HIDDEN = new Set([
  "authorization",
  "proxy-authorization",
  "proxy",
  "content-length",
  "content-type",
  "connection",
]);
/** Statuses whose responses have no body. */
const BODILESS = new Set([204, 205, 304]);

/** Makes a handler of a program. What it says on standard error is logged; an exit code that is not 0 is thrown. */
export function toHandler(name: string, program: WebAssembly.Module): Handler {
  return {
    fetch: async (request) => {
      const stdin = await readBody(request);
      if (stdin === undefined) return new Response("The body is longer than 16 MiB\n", { status: 413 });
      const env = toEnvironment(request, stdin.byteLength);
      const { exitCode, stdout, stderr } = runProgram(program, { args: [name], env, stdin });
      if (stderr !== "") console.error(stderr.trimEnd());
      if (exitCode !== 0) throw new Error(`The program ended with exit code ${exitCode}`);
      return toResponse(request, stdout);
    },
  };
}

/** The whole body; `undefined` when it is too long. */
async function readBody({ body }: Request): Promise<Uint8Array | undefined> {
  const pieces = new Pieces();
  for await (const piece of body ?? []) {
    pieces.push(piece);
    if (pieces.byteLength > MAX_BODY_BYTES) return undefined;
  }
  return pieces.join();
}

function toEnvironment({ method, url, headers }: Request, bodyBytes: number): Record<string, string> {
  const { protocol, hostname, port, pathname, search } = new URL(url);
  const env: Record<string, string> = {
    CONTENT_LENGTH: String(bodyBytes),
    GATEWAY_INTERFACE: "CGI/1.1",
    PATH_INFO: decodePath(pathname),
    QUERY_STRING: search.slice(1),
    REMOTE_ADDR: headers.get("cf-connecting-ip") ?? "",
    REQUEST_METHOD: method,
    SCRIPT_NAME: "",
    SERVER_NAME: hostname,
    SERVER_PORT: port || (protocol === "https:" ? "443" : "80"),
    SERVER_PROTOCOL: "HTTP/1.1",
  };
  const type = headers.get("content-type");
  if (type !== null) env.CONTENT_TYPE = type;
  for (const [header, value] of headers) {
    if (!HIDDEN.has(header)) env[`HTTP_${header.toUpperCase().replaceAll("-", "_")}`] = value;
  }
  return env;
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    // because a client may escape what it likes
    return path;
  }
}

/** Reads header lines up to the empty one; what comes after it is the body. */
function toResponse({ method }: Request, output: Uint8Array<ArrayBuffer>): Response {
  const headers = new Headers();
  let status: number | undefined;
  let start = 0;
  for (;;) {
    const end = output.indexOf(0x0a, start);
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
