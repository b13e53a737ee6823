/**
 * `interface = "cgi"`: CGI/1.1, with what WAGI adds to it.
 *
 *     meta-variables, body  →  environment, standard input
 *     standard output       →  header lines, an empty line, the body
 *
 * @see https://www.rfc-editor.org/rfc/rfc3875
 * @see https://github.com/deislabs/wagi/blob/main/docs/environment_variables.md
 */

import { findHeader, type ResponseHead } from "../../model/exchange.ts";
import { decodePath } from "../../model/stdio.ts";
import { ProgramFailure } from "./failures.guest.ts";
import type { ProgramAsked } from "./program.guest.ts";

/** A program that has not ended its head by then has none. */
const MAX_HEAD_BYTES = 65_536;
/** Credentials stay out of the environment (section 4.1.18), and `Proxy` would become a setting of many HTTP clients. */
const HIDDEN = new Set([
  "authorization",
  "proxy-authorization",
  "proxy",
  "content-length",
  "content-type",
  "connection",
]);
/** Any other character would become an underscore too, and `cf_connecting_ip` pass for what the node says. */
const TOLD_APART = /^[a-z0-9-]+$/;

/** What a CGI program is started with. */
export function toCgi({ head, url, settings, vars, name, bodyBytes }: ProgramAsked): {
  args: string[];
  env: Record<string, string>;
} {
  const path = decodePath(url.pathname);
  const { basePath = "" } = head;
  const address = findHeader(head.headers, "cf-connecting-ip") ?? "";
  const type = findHeader(head.headers, "content-type");
  const length = bodyBytes ?? findHeader(head.headers, "content-length");
  const query = url.search.slice(1);
  // Section 4.4: a query that is no form is a list of words.
  const words = query === "" || query.includes("=") ? [] : query.split("+").map(decodePath);
  return {
    args: [name, ...settings.args, ...words],
    env: {
      ...toHttpVariables(head.headers),
      AUTH_TYPE: "",
      ...(length !== undefined && { CONTENT_LENGTH: String(length) }),
      ...(type !== undefined && { CONTENT_TYPE: type }),
      GATEWAY_INTERFACE: "CGI/1.1",
      PATH_INFO: path,
      PATH_TRANSLATED: path,
      QUERY_STRING: query,
      REMOTE_ADDR: address,
      // Section 4.1.9: the address may stand for the name.
      REMOTE_HOST: address,
      REMOTE_USER: "",
      REQUEST_METHOD: head.method,
      // What a link within the program begins with, on a path of the node and on a host of its own alike.
      SCRIPT_NAME: decodePath(basePath),
      SERVER_NAME: url.hostname,
      SERVER_PORT: url.port || (url.protocol === "https:" ? "443" : "80"),
      SERVER_PROTOCOL: "HTTP/1.1",
      SERVER_SOFTWARE: "Nebula",
      X_FULL_URL: `${url.origin}${basePath}${url.pathname}${url.search}`,
      X_MATCHED_ROUTE: `${basePath}/...`,
      X_RAW_PATH_INFO: url.pathname,
      ...vars,
    },
  };
}

function toHttpVariables(headers: readonly string[]): Record<string, string> {
  const variables: Record<string, string> = {};
  for (let i = 0; i < headers.length; i += 2) {
    const [name = "", value = ""] = [headers[i], headers[i + 1]];
    if (HIDDEN.has(name) || !TOLD_APART.test(name)) continue;
    const key = `HTTP_${name.toUpperCase().replaceAll("-", "_")}`;
    // RFC 6265, section 5.4: cookies have a separator of their own.
    const separator = name === "cookie" ? "; " : ", ";
    variables[key] = variables[key] === undefined ? value : `${variables[key]}${separator}${value}`;
  }
  return variables;
}

/** A head, and where the body begins. */
export interface CgiHead {
  readonly head: ResponseHead;
  readonly bodyStart: number;
}

/**
 * Reads the head, once its empty line has come. Throws a ProgramFailure when there will be none: it is too long, its
 * lines are no header fields, or (section 6.2) it says neither of what type the body is nor where to go.
 */
export function readCgiHead(output: Uint8Array, { isWhole }: { isWhole: boolean }): CgiHead | undefined {
  const lines: string[] = [];
  let start = 0;
  for (;;) {
    const end = output.indexOf(0x0a, start);
    if (end < 0 || end > MAX_HEAD_BYTES) {
      if (isWhole || output.byteLength > MAX_HEAD_BYTES) {
        throw new ProgramFailure("badAnswer", "its output does not begin with header lines and an empty line");
      }
      return undefined;
    }
    const line = new TextDecoder("latin1").decode(output.subarray(start, end)).replace(/\r$/, "");
    start = end + 1;
    if (line === "") return { head: toHead(lines), bodyStart: start };
    lines.push(line);
  }
}

function toHead(lines: readonly string[]): ResponseHead {
  const headers: string[] = [];
  let status: number | undefined;
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon < 1) throw new ProgramFailure("badAnswer", "a line of its head is no header field");
    const name = line.slice(0, colon).trimEnd().toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === "status") status = toStatus(value);
    else headers.push(name, value);
  }
  const isRedirect = findHeader(headers, "location") !== undefined;
  if (status === undefined && !isRedirect && findHeader(headers, "content-type") === undefined) {
    throw new ProgramFailure("badAnswer", "its head has neither Content-Type nor Location nor Status");
  }
  return { status: status ?? (isRedirect ? 302 : 200), headers };
}

/** Section 6.3.3: three digits, and perhaps a reason. Whether it is one of HTTP's is for the host to see. */
function toStatus(value: string): number {
  if (!/^\d{3}(?:\s|$)/.test(value))
    throw new ProgramFailure("badAnswer", "its Status does not begin with three digits");
  return Number(value.slice(0, 3));
}
