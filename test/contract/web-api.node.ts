/** One real behaviour of every module of nodejs_compat, and what they must not do. Written as in web-api.ts. */

import type { WebCase } from "./web-api.ts";

export interface NodeCase extends WebCase {
  /** At the top of the function that runs all cases. */
  readonly imports: string;
}

export const NODE_CASES: readonly NodeCase[] = [
  {
    name: "node:assert and node:assert/strict throw AssertionError",
    imports: `import assert from "node:assert"; import strict from "node:assert/strict";`,
    code: `const names = []; for (const f of [() => assert(0), () => strict.deepEqual([1], ["1"]), () => assert.deepEqual([1], ["1"])])
        try { f(); names.push("none"); } catch (e) { names.push(e.name); } return names;`,
    gives: ["AssertionError", "AssertionError", "none"],
  },
  {
    name: "node:async_hooks: AsyncLocalStorage goes across await and timers",
    imports: `import asyncHooks, { AsyncLocalStorage, AsyncResource } from "node:async_hooks";`,
    code: `const s = new AsyncLocalStorage(); const get = async (v) => await s.run(v, async () => { await new Promise((r) => setTimeout(r, 1)); return s.getStore(); });
      return [await Promise.all([get(1), get(2)]), s.getStore() === undefined, s.run(3, () => new AsyncResource("x").runInAsyncScope(() => s.getStore())), typeof asyncHooks.createHook];`,
    gives: [[1, 2], true, 3, "undefined"],
  },
  {
    name: "node:buffer reads and writes",
    imports: `import { Buffer as NodeBuffer } from "node:buffer";`,
    code: `return [NodeBuffer.from("é").toString("hex"), NodeBuffer.from("AQI", "base64url").readUInt16BE(0), NodeBuffer === Buffer];`,
    gives: ["c3a9", 258, true],
  },
  {
    name: "node:console is the function's console",
    imports: `import nodeConsole, { log } from "node:console";`,
    code: `return [typeof log, nodeConsole === console, typeof nodeConsole.Console];`,
    gives: ["function", true, "undefined"],
  },
  {
    name: "node:crypto hashes, signs and compares",
    imports: `import { createHash, createHmac, randomBytes, timingSafeEqual, webcrypto } from "node:crypto";`,
    code: `return [createHash("sha256").update("").digest("hex").slice(0, 8), createHmac("sha1", "k").update("d").digest("base64").length, randomBytes(3).length,
      timingSafeEqual(Buffer.from("a"), Buffer.from("a")), webcrypto.subtle === crypto.subtle];`,
    gives: ["e3b0c442", 28, 3, true, true],
  },
  {
    name: "node:diagnostics_channel: channels of the function's own",
    imports: `import * as channels from "node:diagnostics_channel";`,
    code: `const seen = []; channels.subscribe("mine", (m, name) => seen.push(m, name)); const mine = channels.channel("mine");
      mine.publish("a"); const t = channels.tracingChannel("t"); t.subscribe({ start: (m) => seen.push(m.x) }); t.traceSync(() => {}, { x: 1 });
      return [seen, channels.hasSubscribers("mine"), channels.channel("mine") === mine, mine.name];`,
    gives: [["a", "mine", 1], true, true, "mine"],
  },
  {
    name: "node:diagnostics_channel: nothing of the process is heard",
    imports: ``,
    code: `const heard = []; for (const name of ["undici:request:create", "undici:request:headers", "net.client.socket", "console.log", "tracing:module.import:start"])
        channels.subscribe(name, () => heard.push(name));
      const made = [channels.channel("x"), channels.tracingChannel("x"), channels.boundedChannel?.("x") ?? {}].map((each) => each.constructor === Object);
      await fetch("http://echo.test/"); console.log("x"); return [heard, made, typeof channels.Channel];`,
    gives: [[], [true, true, true], "undefined"],
  },
  {
    name: "node:events: EventEmitter, once and on",
    imports: `import EventEmitter, { once } from "node:events";`,
    code: `const e = new EventEmitter(); setTimeout(() => e.emit("x", 7)); const [v] = await once(e, "x"); return [v, e instanceof EventEmitter.EventEmitter];`,
    gives: [7, true],
  },
  {
    name: "node:path in all three forms",
    imports: `import path from "node:path"; import posix from "node:path/posix"; import win32 from "node:path/win32";`,
    code: `return [path.join("a", "..", "b"), posix.basename("/x/y.js", ".js"), win32.join("a", "b"), path.resolve("x")];`,
    gives: ["b", "y", "a\\b", "/x"],
  },
  {
    name: "node:perf_hooks has the function's performance",
    imports: `import perfHooks, { performance as nodePerformance } from "node:perf_hooks";`,
    code: `return [nodePerformance === performance, typeof perfHooks.monitorEventLoopDelay];`,
    gives: [true, "undefined"],
  },
  {
    name: "node:process is the stand-in, and its nextTick runs before promises",
    imports: `import nodeProcess, { nextTick } from "node:process";`,
    code: `const order = []; await new Promise((resolve) => { setTimeout(() => { nextTick(() => order.push("tick")); Promise.resolve().then(() => { order.push("promise"); resolve(); }); }); });
      return [order, nodeProcess === process, process.pid, typeof process.binding, process.cwd(), Object.keys(process.env).length];`,
    gives: [["tick", "promise"], true, 1, "undefined", "/", 0],
  },
  {
    name: "node:punycode and node:querystring",
    imports: `import punycode from "node:punycode"; import querystring from "node:querystring";`,
    code: `return [punycode.toASCII("mañana.test"), querystring.parse("a=1&a=2").a, querystring.stringify({ b: [3, 4] })];`,
    gives: ["xn--maana-pta.test", ["1", "2"], "b=3&b=4"],
  },
  {
    name: "node:stream, /promises, /consumers and /web work together",
    imports: `import { Readable, Transform } from "node:stream"; import { pipeline } from "node:stream/promises"; import { text } from "node:stream/consumers"; import * as web from "node:stream/web";`,
    code: `const up = new Transform({ transform: (c, _, done) => done(null, String(c).toUpperCase()) }); const read = text(up);
      await pipeline(Readable.from(["a", "b"]), up); return [await read, web.ReadableStream === ReadableStream, await text(Readable.toWeb(Readable.from(["c"])))];`,
    gives: ["AB", true, "c"],
  },
  {
    name: "node:string_decoder keeps what a chunk cuts",
    imports: `import { StringDecoder } from "node:string_decoder";`,
    code: `const d = new StringDecoder("utf8"); const [a, b, c] = Buffer.from("€"); return [d.write(Buffer.of(a, b)), d.write(Buffer.of(c))];`,
    gives: ["", "€"],
  },
  {
    name: "node:timers and node:timers/promises",
    imports: `import { setImmediate as immediate } from "node:timers"; import { setTimeout as wait } from "node:timers/promises";`,
    code: `return [await wait(1, "v"), await new Promise((resolve) => immediate(resolve, "i")), await new Promise((resolve) => setImmediate(resolve, "g"))];`,
    gives: ["v", "i", "g"],
  },
  {
    name: "node:url is both the web's and the old one",
    imports: `import url from "node:url";`,
    code: `return [url.URL === URL, url.parse("http://a.test/b?c").pathname, url.fileURLToPath("file:///x/y")];`,
    gives: [true, "/b", "/x/y"],
  },
  {
    name: "node:util and node:util/types",
    imports: `import util from "node:util"; import { isPromise } from "node:util/types";`,
    code: `return [await util.promisify((v, done) => done(null, v + 1))(1), util.inspect({ a: [1] }), util.format("%s %d", "x", 2), isPromise(Promise.resolve()), util.isDeepStrictEqual({ a: 1 }, { a: 1 })];`,
    gives: [2, "{ a: [ 1 ] }", "x 2", true, true],
  },
  {
    name: "node:zlib packs and unpacks, in one piece and as a stream",
    imports: `import zlib from "node:zlib";`,
    code: `const packed = zlib.gzipSync("z".repeat(1e4)); const brotli = await util.promisify(zlib.brotliCompress)("b");
      return [packed.length < 100, zlib.gunzipSync(packed).length, String(zlib.brotliDecompressSync(brotli)), await text(Readable.from([packed]).pipe(zlib.createGunzip())).then((t) => t.length)];`,
    gives: [true, 10_000, "b", 10_000],
  },
];
