/**
 * Which texts are names, values, methods, schemes, authorities and paths of HTTP.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2
 * @see https://www.rfc-editor.org/rfc/rfc3986#section-3
 */

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const SCHEME = /^[A-Za-z][A-Za-z0-9+\-.]*$/;
/** User information, then a name, an IPv4 address or a bracketed IPv6 address, then a port. */
const AUTHORITY =
  /^(?:(?:[\w.~!$&'()*+,;=:-]|%[0-9A-Fa-f]{2})*@)?(?:\[[0-9A-Fa-f:.]+\]|(?:[\w.~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+)(?::(\d{1,5}))?$/;
/** No white space, no control characters, no fragment, nothing that would end a request line. Raw UTF-8 happens. */
const PATH = /^[!$-;=?-Z_a-z~\u0080-\u{10FFFF}[\]|{}"^\\]*$/u;
const DIGITS = /^\d+$/;
const MAX_U64 = 2n ** 64n - 1n;
const MAX_PORT = 65_535;

/** A field name, or a method. */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** A field value: no control characters but the tab. */
export function isFieldValue(bytes: Uint8Array): boolean {
  for (const byte of bytes) if ((byte < 0x20 && byte !== 0x09) || byte === 0x7f) return false;
  return true;
}

/** The scheme of a URI. */
export function isScheme(text: string): boolean {
  return SCHEME.test(text);
}

/** The authority of a URI: `user@example.com:8080`, `[::1]:80`. */
export function isAuthority(text: string): boolean {
  const match = AUTHORITY.exec(text);
  return match !== null && Number(match[1] ?? 0) <= MAX_PORT;
}

/** The path and query of a URI. It may be relative, which only `handle` refuses. */
export function isPathWithQuery(text: string): boolean {
  return PATH.test(text);
}

/** The number of a content-length; undefined when it is none. */
export function parseContentLength(text: string): bigint | undefined {
  if (!DIGITS.test(text) || text.length > 20) return undefined;
  const value = BigInt(text);
  return value <= MAX_U64 ? value : undefined;
}
