/**
 * What the functions of `functions/` that are WASI programs answer: the table that their tests share.
 *
 * Requests go below the function's own path; a body makes one a POST.
 */

import { createHash } from "node:crypto";
import { crc32, inflateSync } from "node:zlib";

/** One request, and what is known of its answer. */
export interface FunctionCase {
  readonly path: string;
  readonly method?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** 200 unless given. */
  readonly status?: number;
  /** What the content type begins with. */
  readonly type?: string;
  /** The whole body, or a part of it. */
  readonly text?: string | RegExp;
  /** Looks at the bytes; throws, or returns what is wrong with them. */
  readonly find?: (body: Uint8Array) => string | undefined;
}

const FORM = { "content-type": "application/x-www-form-urlencoded" };
const LONG = "All work and no play. ".repeat(20_000);

/** By the name of the function. */
export const WASI_FUNCTIONS: Readonly<Record<string, readonly FunctionCase[]>> = {
  "hello-wasm-js": [
    { path: "/", text: "Hello, world, from JavaScript in WebAssembly\n", type: "text/plain" },
    { path: "/?in=de&name=Zo%C3%AB", text: "Hallo, Zoë, from JavaScript in WebAssembly\n" },
    { path: "/?in=fr", body: "Ada\n", text: "Bonjour, Ada, from JavaScript in WebAssembly\n" },
    { path: "/?in=xx", status: 404, type: "application/json", text: '{"error":"no greeting in \\"xx\\""}' },
  ],
  "hello-rust": [
    { path: "/", text: "Hello, world\n", type: "text/plain" },
    { path: "/?name=Ada", text: "Hello, Ada\n" },
    { path: "/", body: "Zoë", text: "Hello, Zoë\n" },
  ],
  fibonacci: [
    { path: "/", text: "832040\n" },
    { path: "/?n=0", text: "0\n" },
    { path: "/?n=93", text: "12200160415121876738\n" },
    { path: "/?n=25&recursive=1", text: "75025\n" },
    { path: "/?n=94", status: 500 },
    { path: "/?n=-1", status: 500 },
    { path: "/?n=46&recursive=1", status: 500 },
  ],
  checksum: [
    ...["", "abc", "x".repeat(55), "x".repeat(56), "x".repeat(64), LONG].map((body) => ({
      path: "/",
      method: "POST",
      body,
      text: `${createHash("sha256").update(body).digest("hex")}\n`,
    })),
    { path: "/?input=abc", text: `${createHash("sha256").update("abc").digest("hex")}\n` },
  ],
  "word-index": [
    { path: "/?q=academe", text: /^2 lines have "academe"\n +\d+ {2}ACADEME, n\. .*\n +\d+ {2}ACADEMY, n\. .*\n$/ },
    { path: "/?q=SCIENCE", text: /^8 lines have "SCIENCE"\n/ },
    { path: "/?q=nebula", text: 'No line has "nebula"\n' },
    { path: "/", text: /^\d+ words in \d+ lines; ask for one: \?q=science\n$/ },
  ],
  "guestbook-cgi": [
    { path: "/", text: "Nobody has signed yet.", type: "text/html" },
    { path: "/rules", text: /^Be brief/, type: "text/plain" },
    { path: "/nowhere", status: 404, text: /nothing at this address/ },
    { path: "/", method: "DELETE", status: 405 },
    { path: "/", body: "name=Ada", headers: FORM, status: 400, text: /Both name and message/ },
    { path: "/", body: "{}", headers: { "content-type": "application/json" }, status: 415 },
    { path: "/", body: `name=A&message=${"x".repeat(9_000)}`, headers: FORM, status: 413 },
    { path: "/", body: "name=Ada+%3Cb%3E&message=Hi+%26%0Agood+bye+%C3%A9", headers: FORM, status: 303 },
    { path: "/", text: /<li><p>Hi &amp; good bye é<\/p><small>Ada &lt;b&gt;, <time>\d{4}-\d\d-\d\d \d\d:\d\d<\/time>/ },
    { path: "/entries.txt", text: /^\d{4}-.*\tAda <b>\tHi & good bye é\n$/ },
  ],
  markdown: [
    { path: "/?input=%2A%C3%A9%2A+%3Cb%3E", text: "<p><em>é</em> &lt;b&gt;</p>\n", type: "text/html" },
    { path: "/", text: /^<h1>Markdown<\/h1>/ },
    { path: "/", body: "# A\n\n- *b*\n- c\n  1. d\n", text: /^<h1>A<\/h1>\n<ul>\n<li><em>b<\/em><\/li>\n<li>c\n<ol>/ },
    { path: "/", body: "[x](javascript:alert(1))", text: '<p><a href="#">x</a></p>\n' },
    {
      path: "/",
      body: "***both*** and **_x_** and a_b_c\n",
      text: /<em><strong>both<\/strong><\/em>.*<strong><em>x<\/em><\/strong> and a_b_c/,
    },
    { path: "/", method: "PUT", body: "x", status: 405 },
    { path: "/", body: LONG.repeat(3), status: 413 },
  ],
  caption: [
    { path: "/", text: /^A meme as PNG/, type: "text/plain" },
    {
      path: "/?template=two-doors&text=The+deadline&text=A+short+nap&text=I+will+be+quick",
      type: "image/png",
      find: (body) => findPngFault(body, 1200, 900),
    },
    {
      path: "/?template=four-stages&top=%C3%84pfel&bottom=%E2%88%8E&width=400",
      find: (body) => findPngFault(body, 400, 300),
    },
    { path: "/?template=none", status: 400, text: /There is no template "none"; there are reviewer-two/ },
    { path: "/?text=x", status: 400, text: /Name a template/ },
    { path: "/?template=balance&width=99", status: 400, text: /whole number from 100 to 1600/ },
    { path: "/?template=balance&text=1&text=2&text=3&text=4", status: 400, text: /has room for 3 texts/ },
    { path: `/?template=balance&text=${"x".repeat(300)}`, status: 400, text: /too long for its place/ },
    { path: `/?template=balance&text=${"x".repeat(301)}`, status: 400, text: /longer than 300 characters/ },
    { path: "/?template=balance&text=%ff", status: 400, text: /not UTF-8/ },
    { path: "/?template=balance&colour=red", status: 400, text: /no parameter "colour"/ },
    { path: "/?template=balance", method: "POST", body: "x", status: 405 },
  ],
  primes: [
    { path: "/?n=12", text: "2\n3\n5\n7\n11\n" },
    { path: "/?n=1", text: "" },
    { path: "/?n=1000000&count=1", text: "78498\n" },
    { path: "/?n=1000000", text: /^2\n3\n5\n[\d\n]+\n999979\n999983\n$/ },
    { path: "/?n=1000001", status: 500 },
    { path: "/?n=", status: 500 },
  ],
  "stream-component": [
    { path: "/?n=3&delay=0", text: "[1] cites [2]\n[2] cites [3]\n[3] cites [1]\n", type: "text/plain" },
    { path: "/?n=2&delay=20", text: "[1] cites [2]\n[2] cites [1]\n" },
    { path: "/?n=0", text: "" },
    { path: "/", body: "Small, größer", text: "SMALL, GRößER" },
    { path: "/", body: LONG, text: LONG.toUpperCase() },
    { path: "/?n=1001", status: 400 },
    { path: "/?delay=soon", status: 400 },
    { path: "/elsewhere", status: 404 },
    { path: "/", method: "DELETE", status: 405 },
  ],
};

/** What keeps bytes from being a PNG of this size in a palette, all of it; `undefined` when it is one. */
export function findPngFault(bytes: Uint8Array, width: number, height: number): string | undefined {
  const png = Buffer.from(bytes);
  if (png.subarray(0, 8).toString("latin1") !== "\x89PNG\r\n\x1a\n") return "no signature";
  const parts = new Map<string, Buffer>();
  for (let at = 8; at < png.length; ) {
    const end = at + 8 + png.readUInt32BE(at);
    if (crc32(png.subarray(at + 4, end)) !== png.readUInt32BE(end)) return `broken checksum at ${at}`;
    parts.set(png.toString("latin1", at + 4, at + 8), png.subarray(at + 8, end));
    at = end + 4;
  }
  const head = parts.get("IHDR");
  if (!head || head.readUInt32BE(0) !== width || head.readUInt32BE(4) !== height) return "another size";
  const rows = inflateSync(parts.get("IDAT") ?? Buffer.alloc(0));
  if (rows.length !== (width + 1) * height) return `${rows.length} bytes of pixels`;
  const colours = (parts.get("PLTE")?.length ?? 0) / 3;
  if (rows.some((index) => index >= colours)) return "a pixel without a colour";
  return parts.has("IEND") ? undefined : "no end";
}
