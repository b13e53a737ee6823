/**
 * The web as a function has it: one real behaviour of every interface of the WinterTC minimum common API.
 *
 * Each case is the body of an async function that runs inside a function, and what it returns there. `fetch` leads to
 * a host that answers with what it was asked; `request` has the body of the case, streamed.
 *
 * @see https://min-common-api.proposal.wintertc.org/ (ECMA-429)
 */

export interface WebCase {
  readonly name: string;
  readonly code: string;
  readonly gives: unknown;
  /** The request's body. */
  readonly body?: string;
  readonly contentType?: string;
}

/** All that the API asks for, by name, with its type. */
export const INTERFACES: Readonly<Record<"function" | "object" | "string", readonly string[]>> = {
  function: [
    ...["AbortController", "AbortSignal", "Blob", "ByteLengthQueuingStrategy", "CompressionStream"],
    ...["CountQueuingStrategy", "Crypto", "CryptoKey", "CustomEvent", "DOMException", "DecompressionStream"],
    ...["ErrorEvent", "Event", "EventTarget", "File", "FormData", "Headers", "MessageChannel", "MessageEvent"],
    ...["MessagePort", "Performance", "PromiseRejectionEvent", "ReadableByteStreamController", "ReadableStream"],
    ...["ReadableStreamBYOBReader", "ReadableStreamBYOBRequest", "ReadableStreamDefaultController"],
    ...["ReadableStreamDefaultReader", "Request", "Response", "SubtleCrypto", "TextDecoder", "TextDecoderStream"],
    ...["TextEncoder", "TextEncoderStream", "TransformStream", "TransformStreamDefaultController", "URL"],
    ...["URLPattern", "URLSearchParams", "WritableStream", "WritableStreamDefaultController"],
    ...["WritableStreamDefaultWriter", "WebAssembly.Global", "WebAssembly.Instance", "WebAssembly.Memory"],
    ...["WebAssembly.Module", "WebAssembly.Table", "WebAssembly.JSTag.constructor", "WebAssembly.validate"],
    ...["WebAssembly.compile", "WebAssembly.compileStreaming", "WebAssembly.instantiate"],
    ...["WebAssembly.instantiateStreaming", "addEventListener", "atob", "btoa", "clearInterval", "clearTimeout"],
    ...["dispatchEvent", "fetch", "queueMicrotask", "removeEventListener", "reportError", "setInterval"],
    ...["setTimeout", "structuredClone", "crypto.getRandomValues", "crypto.randomUUID", "performance.now"],
  ],
  object: [
    ...["console", "crypto", "crypto.subtle", "globalThis", "navigator", "onerror", "onrejectionhandled"],
    ...["onunhandledrejection", "performance", "self"],
  ],
  string: ["navigator.userAgent"],
};

const EVENTS: readonly WebCase[] = [
  {
    name: "AbortController, AbortSignal.any and AbortSignal.timeout abort with their reasons",
    code: `const a = new AbortController(); const any = AbortSignal.any([a.signal]); a.abort("why");
      const timed = AbortSignal.timeout(1); await new Promise((resolve) => timed.addEventListener("abort", resolve));
      return [any.aborted, any.reason, timed.reason.name];`,
    gives: [true, "why", "TimeoutError"],
  },
  {
    name: "Event, CustomEvent and EventTarget dispatch, once and cancelable",
    code: `const t = new EventTarget(); const seen = [];
      t.addEventListener("x", (e) => { seen.push(e.detail); e.preventDefault(); }, { once: true });
      return [t.dispatchEvent(new CustomEvent("x", { detail: 1, cancelable: true })), t.dispatchEvent(new Event("x")), seen];`,
    gives: [false, true, [1]],
  },
  {
    name: "the global scope is an event target: order, once, signal, handleEvent, removal, this and target",
    code: `const seen = []; const stop = new AbortController(); const gone = () => seen.push("gone");
      addEventListener("x", function (e) { seen.push(this === globalThis, e.target === globalThis); }, { once: true });
      addEventListener("x", { handleEvent: () => seen.push("object") }, { signal: stop.signal });
      addEventListener("x", gone); addEventListener("x", gone); removeEventListener("x", gone); addEventListener("x", null);
      dispatchEvent(new Event("x")); stop.abort(); dispatchEvent(new Event("x"));
      return seen;`,
    gives: [true, true, "object"],
  },
  {
    name: "reportError reaches onerror with its five arguments and listeners with an ErrorEvent",
    code: `const seen = []; const error = new RangeError("r");
      globalThis.onerror = (...args) => { seen.push(args.length, args[0], args[4] === error); return true; };
      addEventListener("error", (e) => seen.push(e instanceof ErrorEvent, e.error === error, e.defaultPrevented), { once: true });
      reportError(error); globalThis.onerror = null;
      try { reportError(); } catch (e) { seen.push(e.name); }
      return seen;`,
    gives: [5, "r", true, true, true, true, "TypeError"],
  },
  {
    name: "an error listener that throws is not told of its own error",
    code: `let count = 0; const listener = () => { count += 1; throw new Error("again"); };
      addEventListener("error", listener); reportError(1);
      await new Promise((resolve) => setTimeout(resolve, 5)); removeEventListener("error", listener);
      return count;`,
    gives: 1,
  },
  {
    name: "an error in a timer or a microtask reaches the global scope",
    code: `const seen = []; const both = Promise.withResolvers();
      const listener = (e) => { seen.push(e.error.message); e.preventDefault(); if (seen.length === 2) both.resolve(); };
      addEventListener("error", listener);
      setTimeout(() => { throw new Error("timer"); }); queueMicrotask(() => { throw new Error("microtask"); });
      await both.promise; removeEventListener("error", listener);
      return seen;`,
    gives: ["microtask", "timer"],
  },
  {
    name: "unhandledrejection and rejectionhandled are dispatched with promise and reason",
    code: `const seen = []; const handled = Promise.withResolvers(); const lost = Promise.withResolvers();
      addEventListener("unhandledrejection", (e) => { e.preventDefault(); lost.resolve(e); }, { once: true });
      addEventListener("rejectionhandled", handled.resolve, { once: true });
      const promise = Promise.reject("r"); const event = await lost.promise; promise.catch(() => {});
      const later = await handled.promise;
      return [event instanceof PromiseRejectionEvent, event.reason, event.promise === promise, later.reason, String(event)];`,
    gives: [true, "r", true, "r", "[object PromiseRejectionEvent]"],
  },
  {
    name: "PromiseRejectionEvent needs its promise",
    code: `const names = []; for (const args of [["x"], ["x", {}], ["x", { promise: 1 }]]) {
        try { new PromiseRejectionEvent(...args); } catch (e) { names.push(e.name); } }
      return names;`,
    gives: ["TypeError", "TypeError", "TypeError"],
  },
  {
    name: "MessageChannel, MessagePort and MessageEvent carry clones",
    code: `const { port1, port2 } = new MessageChannel(); const got = new Promise((resolve) => { port2.onmessage = resolve; });
      port1.postMessage({ a: new Map([[1, 2]]) }); const event = await got; port1.close();
      return [event instanceof MessageEvent, event.data.a.get(1), port1 instanceof MessagePort];`,
    gives: [true, 2, true],
  },
  {
    name: "DOMException has name and code",
    code: `const e = new DOMException("m", "DataCloneError"); return [e.name, e.code, e.message, e instanceof Error];`,
    gives: ["DataCloneError", 25, "m", true],
  },
];

const DATA: readonly WebCase[] = [
  {
    name: "URL, URLSearchParams and URLPattern",
    code: `const u = new URL("../b?x=1&y=%20", "https://ex.test/a/c"); u.searchParams.append("z", "ü");
      return [u.href, [...new URLSearchParams("a=1&a=2")].length, URL.canParse("x:"),
        new URLPattern({ pathname: "/u/:id" }).exec("https://ex.test/u/7").pathname.groups.id];`,
    gives: ["https://ex.test/b?x=1&y=+&z=%C3%BC", 2, true, "7"],
  },
  {
    name: "TextEncoder, TextDecoder, atob and btoa",
    code: `return [[...new TextEncoder().encode("€")], new TextDecoder("shift_jis").decode(new Uint8Array([0x83, 0x65])), btoa(atob("AQI="))];`,
    gives: [[226, 130, 172], "テ", "AQI="],
  },
  {
    name: "TextEncoderStream and TextDecoderStream join what chunks cut",
    code: `const bytes = new Blob(["ä€"]).stream().pipeThrough(new TextDecoderStream()).pipeThrough(new TextEncoderStream());
      return await new Response(bytes).text();`,
    gives: "ä€",
  },
  {
    name: "CompressionStream and DecompressionStream of every format",
    code: `const out = []; for (const format of ["gzip", "deflate", "deflate-raw"]) {
        const text = "nebula ".repeat(1e4);
        const small = await new Response(new Blob([text]).stream().pipeThrough(new CompressionStream(format))).blob();
        const back = await new Response(small.stream().pipeThrough(new DecompressionStream(format))).text();
        out.push(small.size < 1e3, back === text); }
      return out;`,
    gives: [true, true, true, true, true, true],
  },
  {
    name: "Blob and File slice, and structuredClone copies and transfers",
    code: `const f = new File(["hello"], "h.txt", { type: "text/plain", lastModified: 7 }); const b = new Uint8Array([1, 2]);
      const c = structuredClone({ b, d: new Date(3) }, { transfer: [b.buffer] });
      return [await f.slice(1, 3).text(), f.name, f.lastModified, f.type, b.length, [...c.b], c.d.getTime()];`,
    gives: ["el", "h.txt", 7, "text/plain", 0, [1, 2], 3],
  },
  {
    name: "crypto: digest, HMAC, AES-GCM, ECDSA, Ed25519, RSA, HKDF and random values",
    code: `const s = crypto.subtle; const d = new TextEncoder().encode("d"); const hex = (b) => new Uint8Array(b).toHex();
      const sign = async (a, g = a) => { const k = await s.generateKey(g, false, ["sign", "verify"]);
        const [pub, priv] = [k.publicKey ?? k, k.privateKey ?? k]; return await s.verify(a, pub, await s.sign(a, priv, d), d); };
      const key = await s.generateKey({ name: "AES-GCM", length: 256 }, true, ["encrypt", "decrypt"]); const iv = new Uint8Array(12);
      const plain = await s.decrypt({ name: "AES-GCM", iv }, key, await s.encrypt({ name: "AES-GCM", iv }, key, d));
      const hkdf = await s.importKey("raw", d, "HKDF", false, ["deriveBits"]);
      const bits = await s.deriveBits({ name: "HKDF", hash: "SHA-256", salt: d, info: d }, hkdf, 128);
      const rsa = { name: "RSA-PSS", saltLength: 32, modulusLength: 1024, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" };
      return [hex(await s.digest("SHA-256", d)).slice(0, 8), hex(plain), bits.byteLength, key instanceof CryptoKey,
        await sign({ name: "HMAC", hash: "SHA-256" }), await sign({ name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" }),
        await sign({ name: "Ed25519" }), await sign(rsa), crypto.getRandomValues(new Uint8Array(4)).length, crypto.randomUUID().length];`,
    gives: ["18ac3e73", "64", 16, true, true, true, true, true, 4, 36],
  },
  {
    name: "WebAssembly compiles and streams",
    code: `const empty = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]); const type = { headers: { "content-type": "application/wasm" } };
      const m = await WebAssembly.compileStreaming(new Response(empty, type));
      return [m instanceof WebAssembly.Module, new WebAssembly.Instance(m) instanceof WebAssembly.Instance, WebAssembly.validate(empty),
        new WebAssembly.Memory({ initial: 1 }).buffer.byteLength, new WebAssembly.Global({ value: "i32", mutable: true }, 5).value,
        new WebAssembly.Table({ element: "anyfunc", initial: 2 }).length];`,
    gives: [true, true, true, 65536, 5, 2],
  },
];

const STREAMS: readonly WebCase[] = [
  {
    name: "ReadableStream: queuing strategies, async iteration, tee and from",
    code: `const r = new ReadableStream({ start: (c) => { c.enqueue("a"); c.enqueue("b"); c.close(); } }, new CountQueuingStrategy({ highWaterMark: 4 }));
      const [x, y] = r.tee(); const out = []; for await (const v of x) out.push(v);
      return [out, await Array.fromAsync(y), await Array.fromAsync(ReadableStream.from([1])), new ByteLengthQueuingStrategy({ highWaterMark: 1 }).size(new Uint8Array(3))];`,
    gives: [["a", "b"], ["a", "b"], [1], 3],
  },
  {
    name: "a byte stream fills the reader's own buffer",
    code: `const s = new ReadableStream({ type: "bytes", pull: (c) => {
        if (!(c instanceof ReadableByteStreamController) || !(c.byobRequest instanceof ReadableStreamBYOBRequest)) throw new Error();
        c.byobRequest.view[0] = 9; c.byobRequest.respond(1); } });
      const { value } = await s.getReader({ mode: "byob" }).read(new Uint8Array(4)); return [...value];`,
    gives: [9],
  },
  {
    name: "WritableStream and TransformStream keep order and back pressure",
    code: `const out = []; const t = new TransformStream({ transform: (v, c) => c.enqueue(v * 2) });
      const done = t.readable.pipeTo(new WritableStream({ write: (v) => void out.push(v) }));
      const w = t.writable.getWriter(); for (const v of [1, 2]) { await w.ready; w.write(v); } await w.close(); await done;
      return [out, w instanceof WritableStreamDefaultWriter];`,
    gives: [[2, 4], true],
  },
  {
    name: "a request's body is a byte stream that can be read into a buffer",
    body: "0123456789",
    code: `const reader = request.body.getReader({ mode: "byob" }); let text = ""; let buffer = new Uint8Array(4);
      for (;;) { const { done, value } = await reader.read(buffer); if (done) break;
        text += new TextDecoder().decode(value); buffer = new Uint8Array(value.buffer); }
      return [text, reader instanceof ReadableStreamBYOBReader];`,
    gives: ["0123456789", true],
  },
  {
    name: "a request's body can be teed by clone, and is used up by reading",
    body: "twice",
    code: `const copy = request.clone(); const both = [await request.text(), await copy.text()];
      return [...both, request.bodyUsed, await request.text().catch((e) => e.name)];`,
    gives: ["twice", "twice", true, "TypeError"],
  },
];

const FETCH: readonly WebCase[] = [
  {
    name: "Headers: combining, Set-Cookie apart, validation",
    code: `const h = new Headers([["a", "1"], ["A", "2"], ["set-cookie", "x"], ["set-cookie", "y"]]); let bad;
      try { h.set("a b", "c"); } catch (e) { bad = e.name; }
      return [h.get("a"), h.getSetCookie(), [...h.keys()], bad];`,
    gives: ["1, 2", ["x", "y"], ["a", "set-cookie", "set-cookie"], "TypeError"],
  },
  {
    name: "Response: name, length, prototype, subclasses, json, error and redirect",
    code: `class Mine extends Response { get mine() { return true; } } const m = new Mine("t", { status: 201 }); const names = [];
      for (const f of [() => Response("x"), () => Response.json(undefined), () => Response.redirect("http://a.test/", 200), () => new Response("", { status: 204 })])
        try { f(); names.push("none"); } catch (e) { names.push(e.name); }
      return [Response.name, Response.length, Response.json.length, m instanceof Response, m.mine, await m.clone().text(),
        new Response("").constructor === Response, Object.getPrototypeOf(m.clone()) === Response.prototype, Response.error().type,
        Response.redirect("http://a.test/", 307).headers.get("location"), await Response.json({ a: 1 }).json(), names];`,
    gives: [
      ...["Response", 0, 1, true, true, "t", true, true, "error", "http://a.test/", { a: 1 }],
      ["TypeError", "TypeError", "RangeError", "TypeError"],
    ],
  },
  {
    name: "Request: the incoming one can be copied, with its signal and body",
    body: "b",
    code: `const stop = new AbortController(); const copy = new Request(request, { headers: { a: "1" }, signal: stop.signal });
      stop.abort(); return [copy.method, copy.headers.get("a"), copy.signal.aborted, request.signal.aborted, await copy.text(), request.bodyUsed];`,
    gives: ["POST", "1", true, false, "b", true],
  },
  {
    name: "multipart/form-data of an incoming request is parsed, files and all",
    contentType: "multipart/form-data; boundary=x",
    body: '--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x\r\nContent-Disposition: form-data; name="f"; filename="f.txt"\r\nContent-Type: text/plain\r\n\r\nfile\r\n--x--\r\n',
    code: `const form = await request.formData(); const f = form.get("f"); return [form.get("a"), f instanceof File, f.name, f.type, await f.text()];`,
    gives: ["1", true, "f.txt", "text/plain", "file"],
  },
  {
    name: "FormData, URLSearchParams and Blob are sent with their types",
    code: `const form = new FormData(); form.append("f", new File(["x"], "n.txt")); const out = [];
      for (const body of [form, new URLSearchParams("a=1"), new Blob(["b"], { type: "text/x" }), "text", new Uint8Array([65])]) {
        const seen = await (await fetch("http://echo.test/", { method: "POST", body })).json();
        out.push([(seen.type ?? "none").split(";")[0], seen.body.includes("n.txt") || seen.body]); }
      return out;`,
    gives: [
      ["multipart/form-data", true],
      ["application/x-www-form-urlencoded", "a=1"],
      ["text/x", "b"],
      ["text/plain", "text"],
      ["none", "A"],
    ],
  },
  {
    name: "a streamed body is sent as it comes",
    code: `const body = ReadableStream.from(["a", "b"]).pipeThrough(new TextEncoderStream());
      return (await (await fetch("http://echo.test/", { method: "POST", body, duplex: "half" })).json()).body;`,
    gives: "ab",
  },
  {
    name: "a fetched response has url and type, and headers that cannot be changed",
    code: `const r = await fetch("http://echo.test/p?q#f"); let name; try { r.headers.set("a", "b"); } catch (e) { name = e.name; }
      return [r.url, r.type, r.redirected, r.ok, name];`,
    gives: ["http://echo.test/p?q", "basic", false, true, "TypeError"],
  },
  {
    name: "fetch follows the redirect mode, and a signal stops it",
    code: `const manual = await fetch("http://echo.test/redirect", { redirect: "manual" }); const stop = new AbortController();
      const error = await fetch("http://echo.test/redirect", { redirect: "error" }).catch((e) => e.name);
      const followed = await fetch("http://echo.test/redirect"); const waiting = fetch("http://echo.test/never", { signal: stop.signal });
      stop.abort(); return [manual.status, manual.headers.get("location"), error, followed.url, followed.redirected, await waiting.catch((e) => e.name)];`,
    gives: [302, "/there", "TypeError", "http://echo.test/there", true, "AbortError"],
  },
  {
    name: "fetch reads data: and blob: addresses without the host",
    code: `const address = URL.createObjectURL(new Blob(["blob"])); const out = [];
      for (const url of ["data:text/plain,data", address]) out.push(await (await fetch(url)).text());
      URL.revokeObjectURL(address); return out;`,
    gives: ["data", "blob"],
  },
];

const TIME: readonly WebCase[] = [
  {
    name: "timers give numbers, pass arguments, call with the global scope and refuse strings",
    code: `const seen = []; const id = setTimeout(() => seen.push("never"), 1); clearTimeout(id); let refused;
      try { setTimeout("1"); } catch (e) { refused = e.name; }
      await new Promise((resolve) => setTimeout(function (a, b) { seen.push(a, b, this === globalThis); resolve(); }, 5, 1, 2));
      let n = 0; await new Promise((resolve) => { const i = setInterval(() => { if (++n === 2) { clearInterval(i); resolve(); } }, 1); });
      return [typeof id, refused, seen, n];`,
    gives: ["number", "TypeError", [1, 2, true], 2],
  },
  {
    name: "performance and queueMicrotask",
    code: `const order = []; const done = Promise.resolve().then(() => order.push(2)); queueMicrotask(() => order.push(3)); order.push(1); await done; await 0;
      return [order, performance.now() > 0, Math.abs(performance.timeOrigin + performance.now() - Date.now()) < 60_000, typeof performance.toJSON().timeOrigin];`,
    gives: [[1, 2, 3], true, true, "number"],
  },
  {
    name: "navigator names the runtime, console is a namespace, self is the global scope",
    code: `return [navigator.userAgent, String(console), self === globalThis];`,
    gives: ["Nebula", "[object console]", true],
  },
];

export const WEB_CASES: readonly WebCase[] = [...EVENTS, ...DATA, ...STREAMS, ...FETCH, ...TIME];
