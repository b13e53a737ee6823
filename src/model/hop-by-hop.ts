/**
 * Header fields that belong to one connection, in both directions.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1
 */

import type { HeaderList } from "./exchange.ts";

/** Names in lower case; never passed on. */
export const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** All that a message says of its connection, be it in one line or in several; undefined when it says nothing. */
export function findConnection(headers: HeaderList): string | undefined {
  let found: string | undefined;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i] === "connection") found = found === undefined ? headers[i + 1] : `${found},${headers[i + 1]}`;
  }
  return found;
}

const PLAIN = /^(?:keep-alive|close|upgrade)$/i;

/**
 * The fields that a `connection` header's value declares to be of the connection too; undefined when it names none but
 * the usual. The host cannot be taken away.
 */
export function findNamed(connection: string): ReadonlySet<string> | undefined {
  if (PLAIN.test(connection)) return undefined;
  const names = toOptions(connection);
  names.delete("host");
  return names;
}

/** Whether a `connection` header's value has an option, given in lower case. */
export function hasOption(connection: string, option: string): boolean {
  return toOptions(connection).has(option);
}

function toOptions(connection: string): Set<string> {
  // Not split by an expression with the white space in it, which backtracks for seconds over a long run of spaces.
  const options = connection.toLowerCase().split(",");
  return new Set(options.map((option) => option.trim()));
}
