/**
 * Patterns of hosts: `example.com`, `*.example.com`, `127.0.0.1:9000`, `[::1]:9000`.
 */

import { domainToASCII } from "node:url";

/** A host with its wildcard and port, in the one spelling that is compared; or what is wrong, a clause. */
export type HostPattern = { readonly pattern: string } | { readonly problem: string };

const FORM = /^(\*\.?)?(\[[^\]]*\]|[^:[\]]*)(?::(\d*))?$/;

/**
 * Reads a host in which a `*` may stand at the start only.
 *
 *     parseHostPattern("*.Example.com:8080")  →  { pattern: "*.example.com:8080" }
 *     parseHostPattern("bücher.example")      →  { pattern: "xn--bcher-kva.example" }
 *     parseHostPattern("a.*.com")             →  { problem: "a * may stand at the start of the host only" }
 *
 * @see https://url.spec.whatwg.org/#host-parsing (spelling), RFC 1035 section 2.3.4 (lengths)
 */
export function parseHostPattern(text: string): HostPattern {
  const match = FORM.exec(text);
  if (match === null) return { problem: "the host is not valid" };
  const [, wildcard = "", name = "", port] = match;
  if (name.includes("*")) return { problem: "a * may stand at the start of the host only" };
  if (port !== undefined && !isPort(port)) return { problem: "the port must be from 1 to 65535" };
  const suffix = port === undefined ? "" : `:${Number(port)}`;
  if (name === "") return wildcard === "*" ? { pattern: `*${suffix}` } : { problem: "the host is missing" };
  const host = domainToASCII(name);
  const isAddress = /^[\d.]+$|^\[/.test(host);
  if (host === "" || !(isAddress || isName(host))) return { problem: "the host is not valid" };
  if (isAddress && wildcard !== "") return { problem: "an address takes no *" };
  return { pattern: `${wildcard}${host}${suffix}` };
}

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535;
}

function isName(host: string): boolean {
  return (
    host.length <= 253 && host.split(".").every((label) => /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label))
  );
}
