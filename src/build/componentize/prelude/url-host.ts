/**
 * Host names and addresses inside URLs.
 *
 * @see https://url.spec.whatwg.org/#host-parsing
 */

import { decodeText, fromLatin1 } from "./encoding.ts";
import { toPunycode } from "./punycode.ts";
import { percentEncode } from "./url-search-params.ts";

const FORBIDDEN_HOST = /[\0\t\n\r #/:<>?@[\\\]^|]/;
const FORBIDDEN_DOMAIN = /[\0-\u0020#%/:<>?@[\\\]^|\u007f]/;
const CONTROLS = /[^ -~]/gu;

/** The host as a URL shows it, `undefined` when it is none. */
export function parseHost(text: string, { isSpecial }: { isSpecial: boolean }): string | undefined {
  if (text.startsWith("[")) return text.endsWith("]") ? parseIpv6(text.slice(1, -1)) : undefined;
  if (!isSpecial) return FORBIDDEN_HOST.test(text) ? undefined : percentEncode(text, CONTROLS);
  const domain = toAscii(percentDecode(text));
  if (domain === undefined || domain === "" || FORBIDDEN_DOMAIN.test(domain)) return undefined;
  const last =
    domain
      .split(".")
      .filter((part, i, all) => part !== "" || i < all.length - 1)
      .at(-1) ?? "";
  return /^(?:\d+|0x[\da-f]*)$/i.test(last) ? parseIpv4(domain) : domain;
}

function percentDecode(text: string): string {
  if (!text.includes("%")) return text;
  const latin1 = text
    .replace(/[^\0-\u007f]+/g, (part) => unescape(encodeURIComponent(part)))
    .replace(/%([\da-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
  return decodeText(fromLatin1(latin1));
}

/** Lower case, composed, and in Punycode where it is not ASCII. The mapping tables of UTS 46 are not all here. */
function toAscii(text: string): string | undefined {
  if (/^[\0-\u007f]*$/.test(text)) {
    const lower = text.toLowerCase();
    return /(?:^|\.)xn--(?:\.|$)/.test(lower) ? undefined : lower;
  }
  const mapped = text
    .replace(/\u00ad|\u200b|\u2060|\ufeff|[\ufe00-\ufe0f]/g, "")
    .replace(/[\u3002\uff0e\uff61]/g, ".")
    .normalize("NFKC")
    .toLowerCase()
    .normalize("NFC");
  if (/[\ufdd0-\ufdef\ufffd-\uffff\u200e\u200f\u202a-\u202e\u2066-\u2069]/.test(mapped) || !mapped.isWellFormed())
    return undefined;
  return mapped
    .split(".")
    .map((label) => (/^[\0-\u007f]*$/.test(label) ? label : `xn--${toPunycode(label)}`))
    .join(".");
}

function parseIpv4(domain: string): string | undefined {
  const parts = domain.split(".");
  if (parts.at(-1) === "" && parts.length > 1) parts.pop();
  if (parts.length > 4) return undefined;
  const numbers = parts.map(parseNumber);
  let address = 0;
  for (const [i, number] of numbers.entries()) {
    const isLast = i === numbers.length - 1;
    const limit = isLast ? 256 ** (5 - numbers.length) : 256;
    if (number === undefined || number >= limit) return undefined;
    address += isLast ? number : number * 256 ** (3 - i);
  }
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
}

function parseNumber(text: string): number | undefined {
  if (/^0x[\da-f]*$/i.test(text)) return text.length === 2 ? 0 : Number.parseInt(text.slice(2), 16);
  if (/^0[0-7]*$/.test(text)) return Number.parseInt(text, 8);
  return /^[1-9]\d*$/.test(text) ? Number(text) : undefined;
}

function parseIpv6(text: string): string | undefined {
  const [head = "", tail, ...more] = text.split("::");
  if (more.length > 0) return undefined;
  const front = parsePieces(head, tail === undefined);
  const back = tail === undefined ? [] : parsePieces(tail, true);
  if (front === undefined || back === undefined) return undefined;
  const missing = 8 - front.length - back.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  return `[${showPieces([...front, ...Array.from({ length: missing }, () => 0), ...back])}]`;
}

function parsePieces(text: string, mayEndInIpv4: boolean): number[] | undefined {
  if (text === "") return [];
  const pieces: number[] = [];
  const parts = text.split(":");
  for (const [i, part] of parts.entries()) {
    if (/^[\da-f]{1,4}$/i.test(part)) pieces.push(Number.parseInt(part, 16));
    else {
      const octets = part.split(".").map((each) => (/^(?:0|[1-9]\d{0,2})$/.test(each) ? Number(each) : 256));
      const [a = 0, b = 0, c = 0, d = 0] = octets;
      if (!mayEndInIpv4 || i < parts.length - 1 || octets.length !== 4 || octets.some((each) => each > 255))
        return undefined;
      pieces.push(a * 256 + b, c * 256 + d);
    }
  }
  return pieces;
}

/** The longest run of zeros, of at least two, is left out. */
function showPieces(pieces: readonly number[]): string {
  const text = pieces.map((piece) => piece.toString(16)).join(":");
  const runs = [...text.matchAll(/(?<![^:])0(?::0)+(?![^:])/g)];
  const longest = runs.sort((a, b) => b[0].length - a[0].length)[0];
  if (longest === undefined) return text;
  const before = text.slice(0, longest.index).replace(/:$/, "");
  const after = text.slice(longest.index + longest[0].length).replace(/^:/, "");
  return `${before}::${after}`;
}
