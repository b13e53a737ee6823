/**
 * Two functions, one of which asks the other, as texts that run here and on Cloudflare's runtime; and what it asks.
 */

/** Answers. */
export const CALLEE = `
import { RpcTarget, WorkerEntrypoint } from "cloudflare:workers";
class Point { constructor() { this.x = 1; } }
class Counter extends RpcTarget { next() { return 1; } }
class OwnError extends Error { name = "OwnError"; code = "E_OWN"; }

export default class extends WorkerEntrypoint {
  #secret() { return "secret"; }
  own = "own";
  ownMethod = () => "own";
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === "/throws") throw new RangeError("boom");
    if (pathname === "/moved") return Response.redirect("http://callee.test/there", 302);
    if (pathname === "/headers") return Response.json([...request.headers].filter(([name]) => name !== "host"));
    const body = request.body && (await request.text());
    return Response.json([request.method, request.url, body, this.ctx.props], { status: 201, headers: { "x-a": "b" } });
  }
  add(a, b) { return a + b; }
  async later(a) { await null; return a; }
  count(...args) { return args.length; }
  echo(value) { return value; }
  props() { return this.ctx.props; }
  greetFromEnv() { return this.env.GREETING; }
  nothing() {}
  _underscore() { return 1; }
  get version() { return 7; }
  get soon() { return Promise.resolve(8); }
  get tree() { return { a: { b: 2 }, f: (x) => x + 1, list: [1] }; }
  get broken() { throw new TypeError("no version"); }
  throwsError() { throw Object.assign(new RangeError("boom", { cause: new TypeError("inner") }), { extra: 1 }); }
  throwsOwn() { throw new OwnError("mine"); }
  throwsText() { throw "text"; }
  throwsObject() { throw { a: 1 }; }
  throwsDom() { throw new DOMException("stopped", "AbortError"); }
  givesFunction() { return () => 5; }
  givesSymbol() { return Symbol("x"); }
  givesPromise() { return { p: Promise.resolve(1) }; }
  givesPoint() { return new Point(); }
  givesTarget() { return new Counter(); }
  givesResponse() { return new Response("x"); }
  givesStream() { return new Blob(["x"]).stream(); }
  givesThis() { return this; }
  givesThenable() { return { then: (resolve) => resolve(5) }; }
  givesMegabytes(count) { return "x".repeat(count * 1024 * 1024); }
}

export class Greeter extends WorkerEntrypoint {
  greet(name) { return "Hello " + name + " " + JSON.stringify(this.ctx.props); }
}

export const plain = {
  fetch: () => new Response("plain"),
  one: (a) => ["one", a],
  all: (a, env, ctx) => [a, typeof env, typeof ctx.waitUntil],
  none: () => 1,
  value: 4,
};
`;

/** What a case is written in: `env.OTHER`, `env.GREETER` and `env.PLAIN` are the bindings, `text` reads an answer. */
export const CASES: Readonly<Record<string, string>> = {
  "a URL and a request": `text(await env.OTHER.fetch("https://callee.test/a?b", { method: "POST", body: "c" }))`,
  "a Request": `text(await env.OTHER.fetch(new Request("http://callee.test/a#b")))`,
  "the headers as they were written": `text(await env.OTHER.fetch("http://callee.test/headers", { headers: { "X-A": "b", cookie: "c=d" } }))`,
  "a redirect that is not followed": `(await env.OTHER.fetch("http://callee.test/moved", { redirect: "manual" })).status`,
  "a redirect that is followed": `(await env.OTHER.fetch("http://callee.test/moved")).status`,
  "a relative URL": `env.OTHER.fetch("/a")`,
  "a handler that throws": `env.OTHER.fetch("http://callee.test/throws")`,
  "an entry point without fetch": `env.GREETER.fetch("http://callee.test/")`,
  "a plain object with fetch": `text(await env.PLAIN.fetch("http://callee.test/"))`,
  "a method": `env.OTHER.add(1, 2)`,
  "an async method": `env.OTHER.later("x")`,
  "no argument": `env.OTHER.count()`,
  "arguments that are not there": `env.OTHER.count(undefined, null)`,
  "nothing as a result": `env.OTHER.nothing()`,
  "a method taken off its binding": `(() => { const { add } = env.OTHER; return add(2, 3); })()`,
  "a name with an underscore": `env.OTHER._underscore()`,
  "the callee's own env": `env.OTHER.greetFromEnv()`,
  "a property": `env.OTHER.version`,
  "a property that is a promise": `env.OTHER.soon`,
  "a property below another": `env.OTHER.tree.a.b`,
  "an element of a list": `env.OTHER.tree.list[0]`,
  "a method below a property": `env.OTHER.tree.f(1)`,
  "what is not below a property": `env.OTHER.tree.toString()`,
  "a getter that throws": `env.OTHER.broken`,
  "a property that is called": `env.OTHER.version()`,
  "no such method": `env.OTHER.missing()`,
  "no such property": `env.OTHER.missing`,
  "what an instance owns": `env.OTHER.own`,
  "a method that an instance owns": `env.OTHER.ownMethod()`,
  "a private method": `env.OTHER["#secret"]()`,
  "env of the callee": `env.OTHER.env`,
  "ctx of the callee": `env.OTHER.ctx`,
  "a reserved name": `env.OTHER.alarm()`,
  "another reserved name": `env.OTHER.dup()`,
  "call of a method": `env.OTHER.add.call(null, 1, 2)`,
  "what all objects have": `[env.OTHER.toString(), env.OTHER.hasOwnProperty("add"), typeof env.OTHER.constructor]`,
  "what promises look for": `[typeof env.OTHER.then, (await env.OTHER) === env.OTHER, typeof env.OTHER[Symbol("x")], typeof env.OTHER.add]`,
  "a named entry point with props": `env.GREETER.greet("you")`,
  "the props of the default export": `env.OTHER.props()`,
  "a function of an object": `env.PLAIN.one(1)`,
  "a function of an object gets env and ctx": `env.PLAIN.all(1)`,
  "a function of an object with two arguments": `env.PLAIN.one(1, 2)`,
  "a function of an object without one": `env.PLAIN.none()`,
  "a value of an object": `env.PLAIN.value`,
  numbers: `env.OTHER.echo([1.5, NaN, Infinity, -Infinity, -0, 10n]).then((all) => all.map((each) => Object.is(each, -0) ? "-0" : String(each)))`,
  "undefined and null": `env.OTHER.echo([undefined, null]).then(([a, b]) => [a === undefined, b])`,
  dates: `env.OTHER.echo([new Date(5), new Date(NaN)]).then(([a, b]) => [a.getTime(), String(b.getTime())])`,
  expressions: `env.OTHER.echo(/a.b/gi).then(({ source, flags }) => [source, flags])`,
  "maps and sets": `env.OTHER.echo(new Map([[{ k: 1 }, new Set(["a"])]])).then((map) => [...map].map(([key, set]) => [key, [...set]]))`,
  circles: `env.OTHER.echo((() => { const o = { list: [] }; o.self = o; o.list.push(o); return o; })()).then((o) => [o.self === o, o.list[0] === o])`,
  "the same object twice": `env.OTHER.echo((() => { const o = {}; return [o, o]; })()).then(([a, b]) => a === b)`,
  "views of one buffer": `(() => { const b = new ArrayBuffer(8); return env.OTHER.echo([new Uint8Array(b, 1, 2), new DataView(b, 2, 3), new Float64Array(b), b]); })().then(([a, d, f, b]) => [a.buffer === b, a.byteOffset, a.length, d.byteOffset, d.byteLength, f.length])`,
  "big integers of an array": `env.OTHER.echo(new BigInt64Array([-1n, 2n])).then((all) => [...all].map(String))`,
  "objects around values": `env.OTHER.echo([new Number(1), new String("s"), new Boolean(false), Object(1n)]).then((all) => all.map((each) => [typeof each, String(each)]))`,
  "lists with holes": `env.OTHER.echo([1, , 3]).then((list) => [list.length, 1 in list])`,
  "keys that are names of ours": `env.OTHER.echo(JSON.parse('{"__proto__":1,"constructor":2,"then":3}')).then((o) => [Object.keys(o), Object.getPrototypeOf(o) === Object.prototype])`,
  errors: `env.OTHER.echo([new TypeError("t", { cause: 1 }), new AggregateError([new Error("e")], "a")]).then(([t, a]) => [t instanceof TypeError, t.name, t.message, t.cause, a.errors.length])`,
  "an error that is thrown": `env.OTHER.throwsError()`,
  "the cause of an error": `env.OTHER.throwsError().catch((error) => [String(error.cause), error.extra, error instanceof RangeError])`,
  "an error of a class of its own": `env.OTHER.throwsOwn()`,
  "a text that is thrown": `env.OTHER.throwsText()`,
  "an object that is thrown": `env.OTHER.throwsObject().catch((thrown) => thrown)`,
  "a DOMException that is thrown": `env.OTHER.throwsDom()`,
  "a class of one's own as an argument": `env.OTHER.echo(new (class Point {})())`,
  "a class of one's own as a result": `env.OTHER.givesPoint()`,
  "the callee itself as a result": `env.OTHER.givesThis().catch((error) => error.name)`,
  "a symbol as an argument": `env.OTHER.echo(Symbol("x"))`,
  "a symbol as a result": `env.OTHER.givesSymbol()`,
  "a promise as an argument": `env.OTHER.echo(Promise.resolve(1))`,
  "a promise within a result": `env.OTHER.givesPromise()`,
  "a thenable as a result": `env.OTHER.givesThenable()`,
  "a WeakMap as an argument": `env.OTHER.echo(new WeakMap())`,
  megabytes: `env.OTHER.givesMegabytes(3).then((text) => text.length)`,
  "more than may be sent": `env.OTHER.givesMegabytes(33).catch((error) => error.message.slice(0, 68))`,
  "a function as an argument": `env.OTHER.echo(() => 1).then((value) => typeof value)`,
  "a function as a result": `env.OTHER.givesFunction().then((value) => typeof value)`,
  "an RpcTarget as a result": `env.OTHER.givesTarget().then((value) => typeof value)`,
  "a Request as an argument": `env.OTHER.echo(new Request("http://a.test/")).then((value) => value.url)`,
  "a Response as a result": `env.OTHER.givesResponse().then((value) => value.status)`,
  "a stream as a result": `env.OTHER.givesStream().then((value) => typeof value.getReader)`,
  "what is below a result": `env.OTHER.echo({ a: { b: 5 } }).a.b`,
  "in and keys": `["add" in env.OTHER, "fetch" in env.OTHER, Object.keys(env.OTHER), JSON.stringify(env.OTHER)]`,
  "a property that is set": `(() => { env.OTHER.mine = 1; return typeof env.OTHER.mine; })()`,
};

const ENTRIES = Object.entries(CASES).map(([name, code]) => `${JSON.stringify(name)}: async () => ${code}`);

/** Asks all of it, and answers with what came of each. */
export const CALLER = `
import { env } from "cloudflare:workers";
const text = async (answer) => [answer.status, answer.url, answer.headers.get("x-a"), await answer.text()];
const cases = { ${ENTRIES.join(",\n")} };
const show = (value) => (value === undefined ? "(undefined)" : value);
const showThrown = (thrown) => ({ threw: [thrown?.name, thrown?.message], isRemote: thrown?.remote === true });
export default {
  async fetch() {
    const outcomes = {};
    for (const [name, run] of Object.entries(cases)) {
      try { outcomes[name] = { gave: show(await run()) }; } catch (thrown) { outcomes[name] = showThrown(thrown); }
    }
    return Response.json(outcomes);
  },
};
`;
