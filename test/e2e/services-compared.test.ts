/**
 * The same two functions here and on Cloudflare's runtime, each on real sockets: what one gets of the other is the same,
 * but for what is listed here with its reason.
 */

import { Miniflare } from "miniflare";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EngineName, ServiceBinding } from "../../src/model/function.ts";
import { deployForms } from "../support/deploy-forms.ts";
import { openTestNode, type TestNode } from "../support/node.ts";
import { CALLEE, CALLER, CASES } from "../support/service-cases.ts";
import { echo } from "../support/wasi-programs.ts";

const DATA_ALONE = "values go by copy: nothing that is sent leads back to where it came from";
const IN_OUR_WORDS = "what a handler throws is told in the words of the node, which name the function";

/** Where the two differ, and why. */
const DIFFERENCES: Readonly<Record<string, string>> = {
  "a function as an argument": DATA_ALONE,
  "a function as a result": DATA_ALONE,
  "an RpcTarget as a result": DATA_ALONE,
  "a Request as an argument": DATA_ALONE,
  "a Response as a result": DATA_ALONE,
  "a stream as a result": DATA_ALONE,
  "what is below a result": "a result is a promise like any other, and has no properties of what it will give",
  "an element of a list": "a list below a getter is no object of properties: it is asked for as a whole",
  "what is not below a property":
    "every name below a property is asked of the callee, which has none that all objects have",
  "a redirect that is followed": "a binding never follows redirects: the caller sees what the callee answered",
  "a relative URL": "the words for it are those of the engine's URL",
  "a handler that throws": IN_OUR_WORDS,
  "an entry point without fetch": IN_OUR_WORDS,
  "in and keys": "a binding says that it has fetch, and of other names nothing before they are asked for",
  "a property that is set": "nothing in env can be changed",
};

type Outcomes = Readonly<Record<string, unknown>>;

const PROPS = { who: "caller" };
const SCRIPT = { modules: true, compatibilityDate: "2026-07-01" };
/** JavaScript in Wasm takes its time over megabytes. */
const LIMITS = { memoryBytes: 512 * 1024 * 1024, wallMs: 60_000, cpuMs: 60_000 };

let node: TestNode;
let theirs: Outcomes;

beforeAll(async () => {
  node = await openTestNode();
  const runtime = new Miniflare({
    workers: [
      {
        ...SCRIPT,
        name: "caller",
        script: CALLER,
        serviceBindings: {
          OTHER: { name: "callee" },
          GREETER: { name: "callee", entrypoint: "Greeter", props: PROPS },
          PLAIN: { name: "callee", entrypoint: "plain" },
        },
      },
      { ...SCRIPT, name: "callee", script: CALLEE, bindings: { GREETING: "hi" } },
    ],
  });
  theirs = await read(await runtime.ready);
  await runtime.dispose();
}, 60_000);

afterAll(async () => await node.close());

async function read(url: URL | string): Promise<Outcomes> {
  const answer = await fetch(url);
  const text = await answer.text();
  expect(answer.status, text).toBe(200);
  const outcomes: Outcomes = JSON.parse(text);
  return outcomes;
}

async function readOurs(engine: EngineName): Promise<Outcomes> {
  const to = (binding: Pick<ServiceBinding, "name" | "entrypoint" | "props">) =>
    ({ type: "service", service: "callee", ...binding }) as const;
  const settings = { engines: [engine], limits: LIMITS };
  await node.deploy("callee", CALLEE, { ...settings, bindings: [{ type: "var", name: "GREETING", value: "hi" }] });
  const bindings = [
    to({ name: "OTHER" }),
    to({ name: "GREETER", entrypoint: "Greeter", props: PROPS }),
    to({ name: "PLAIN", entrypoint: "plain" }),
  ];
  await node.deploy("caller", CALLER, { ...settings, bindings });
  return await read(`${node.dataUrl}/fn/caller/`);
}

describe.each(["isolate", "wasi"] as const)("what one function gets of another, in %s", (engine) => {
  test("is what it gets on Cloudflare's runtime, but for what is named", { timeout: 120_000 }, async () => {
    const ours = await readOurs(engine);
    const different = Object.keys(CASES).filter((name) => JSON.stringify(ours[name]) !== JSON.stringify(theirs[name]));
    const unnamed = different.filter((name) => !(name in DIFFERENCES));
    expect(unnamed.map((name) => ({ name, ours: ours[name], theirs: theirs[name] }))).toEqual([]);
    expect(Object.keys(DIFFERENCES).filter((name) => !different.includes(name))).toEqual([]);
  });
});

test("a program of WASI is fetched from, and has no methods", { timeout: 60_000 }, async () => {
  await deployForms(node.client, { name: "program", forms: [{ engine: "wasi", wasm: echo }] });
  const source = `export default { fetch: async (request, env) => {
    const body = await (await env.OTHER.fetch("http://x/", { method: "POST", body: "echo" })).text();
    try { await env.OTHER.add(1, 2); } catch (error) { return Response.json([body, error.message]); }
  } };`;
  await node.deploy("asks", source, { bindings: [{ type: "service", name: "OTHER", service: "program" }] });
  expect(await (await fetch(`${node.dataUrl}/fn/asks/`)).json()).toEqual([
    "echo",
    'Cannot ask "program": only JavaScript has methods and entry points; anything else can be fetched from',
  ]);
});
