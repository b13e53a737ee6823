/**
 * Broken things of every kind, through the doors by which they come in: each gets its documented error in bounded
 * time, and the node answers afterwards as if nothing had been.
 *
 * Configurations one by one are in test/unit/config, requests in smuggling.test.ts, frames in test/unit/frames.
 */

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { readProject } from "../../src/config/read-project.ts";
import type { DeployTarget } from "../../src/deploy.ts";
import type { JsArtifact } from "../../src/model/artifact.ts";
import type { DeploymentInput } from "../../src/model/deployment.ts";
import type { ErrorCode } from "../../src/model/errors.ts";
import { MIB } from "../../src/model/units.ts";
import { findArtifact } from "../support/built.ts";
import { rejectionOf } from "../support/capabilities.ts";
import { openTestNode, type Source, type SpecChange, type TestNode } from "../support/node.ts";
import { createProjectFolder } from "../unit/config/project-folder.ts";

/** Everything here is refused sooner than this, on a slow machine too. */
const BOUND_MS = 10_000;

const GOOD = {
  files: {
    "index.ts": `import bytes from "./a.bin"; export default { fetch: () => new Response("good " + bytes.byteLength) };`,
    "a.bin": "five!",
  },
  assets: { "a.txt": "hello" },
};

let node: TestNode;
let good: DeploymentInput;
let artifact: JsArtifact;
beforeAll(async () => {
  node = await openTestNode();
  const target: DeployTarget = {
    missing: (digests) => node.client.missing(digests),
    put: (digest, source) => node.client.put(digest, source),
    deploy: async (input) => {
      good = input;
      const made = findArtifact(input);
      if (made?.kind === "js") artifact = made;
      return await node.client.deploy(input);
    },
  };
  await node.deploy("good", GOOD, { target });
});
afterAll(() => node.close());
afterEach(async () => {
  const response = await fetch(`${node.dataUrl}/fn/good/`);
  expect(await response.text()).toBe("good 5");
  expect((await fetch(`${node.dataUrl}/fn/good/a.txt`)).status).toBe(200);
  expect((await node.client.listFunctions()).map(({ name }) => name)).toContain("good");
});

describe("a token", () => {
  test("that is empty, as a full disk may leave it, is replaced by a good one", async () => {
    await writeFile(join(node.stateDir, "token"), "");
    await node.restart();
    expect((await readFile(join(node.stateDir, "token"), "utf8")).trim()).toBe(node.token);
    expect(node.token.length).toBeGreaterThan(40);
    expect((await fetch(`${node.controlUrl}/v1/functions`)).status).toBe(401);
  });
});

describe("a configuration", () => {
  const CASES: readonly (readonly [what: string, file: string, text: string | Uint8Array])[] = [
    ["that is no TOML", "wrangler.toml", "name = = 1"],
    ["that is no JSON", "wrangler.jsonc", "{ name: }"],
    ["of bytes that are no text", "wrangler.toml", Buffer.from([0xff, 0xfe, 0x00])],
    ["that is a list", "wrangler.jsonc", "[]"],
    ["that is empty JSON", "wrangler.jsonc", ""],
    ["5 000 levels deep", "wrangler.jsonc", `{"vars":${'{"a":'.repeat(5_000)}1${"}".repeat(5_000)}}`],
    ["with a name that is none", "wrangler.toml", 'name = "../etc"'],
    ["with a name of the wrong type", "wrangler.toml", "name = 5"],
    ["with a main that is not there", "wrangler.toml", 'name = "a"\nmain = "nowhere.ts"'],
    ["with a main outside of its folder's file system", "wrangler.toml", 'name = "a"\nmain = "/dev/null/x.ts"'],
    ["with an unknown key of Nebula's", "wrangler.toml", 'name = "a"\n[nebula]\nengin = "isolate"'],
    ["with an engine that does not exist", "wrangler.toml", 'name = "a"\n[nebula]\nengines = ["warp"]'],
    ["with a negative limit", "wrangler.toml", 'name = "a"\n[limits]\ncpu_ms = -1'],
    ["with a route that is none", "wrangler.toml", 'name = "a"\nroutes = ["a*b/*"]'],
    ["with __proto__ as a variable", "wrangler.jsonc", '{"name":"a","vars":{"__proto__":{"x":1}}}'],
    [
      "with a binding that Nebula does not have",
      "wrangler.toml",
      'name = "a"\n[[hyperdrive]]\nbinding = "H"\nid = "1"',
    ],
  ];
  test.for(CASES)("%s is NEBULA_CONFIG_INVALID with a place", async ([, name, text]) => {
    await using folder = await createProjectFolder({ [name]: text });
    const error = await rejectionOf(readProject(folder.dir));
    expect(error).toMatchObject({ code: "NEBULA_CONFIG_INVALID", status: 422 });
    expect(error.diagnostics[0]?.line).toBeGreaterThan(0);
    expect(Reflect.get({}, "x")).toBeUndefined();
  });
});

describe("a bundle", () => {
  const quick = { limits: { startMs: 400 } };
  const CASES: readonly (readonly [what: string, code: ErrorCode, source: string | Source, change?: SpecChange])[] = [
    ["with a syntax error", "NEBULA_BUILD_FAILED", "export default {"],
    ["that is empty", "NEBULA_BUILD_FAILED", ""],
    ["of bytes that are no text", "NEBULA_BUILD_FAILED", { files: { "index.ts": Buffer.from([0, 255, 254, 1]) } }],
    ["that imports a file that is not there", "NEBULA_BUILD_FAILED", `import "./nowhere"; export default {};`],
    ["that imports a package that is not there", "NEBULA_BUILD_FAILED", `import "nowhere"; export default {};`],
    ["that imports node:fs", "NEBULA_BUILD_FAILED", `import fs from "node:fs"; export default { fetch: () => fs };`],
    ["that asks for node:fs late", "NEBULA_BUILD_FAILED", `export default { fetch: () => import("node:" + "fs") };`],
    ["that exports no handler", "NEBULA_BUILD_FAILED", "export const a = 1;"],
    [
      "with JSON that is none",
      "NEBULA_BUILD_FAILED",
      { files: { "index.ts": `import a from "./a.json"; export default { fetch: () => a };`, "a.json": "{" } },
    ],
    [
      "with Wasm that is none",
      "NEBULA_BUILD_FAILED",
      { files: { "index.ts": `import a from "./a.wasm"; export default { fetch: () => a };`, "a.wasm": "no" } },
    ],
    [
      "with Wasm that is cut short",
      "NEBULA_PREPARE_FAILED",
      {
        files: {
          "index.ts": `import a from "./a.wasm"; export default { fetch: () => new Response(String(a)) };`,
          "a.wasm": Buffer.from([0, 97, 115, 109, 1, 0, 0, 0, 1, 127]),
        },
      },
    ],
    ["whose default export is a number", "NEBULA_PREPARE_FAILED", "export default 1;"],
    ["whose fetch is no function", "NEBULA_PREPARE_FAILED", "export default { fetch: 1 };"],
    ["that throws", "NEBULA_PREPARE_FAILED", `throw new Error("no"); export default { fetch() {} };`],
    ["that throws nothing", "NEBULA_PREPARE_FAILED", "throw undefined; export default { fetch() {} };"],
    ["that rejects", "NEBULA_PREPARE_FAILED", "await Promise.reject(null); export default { fetch() {} };"],
    ["that evaluates text", "NEBULA_PREPARE_FAILED", `(0, eval)("1"); export default { fetch() {} };`],
    ["that leaves", "NEBULA_PREPARE_FAILED", "globalThis.process.exit(0); export default { fetch() {} };"],
    ["that never ends", "NEBULA_PREPARE_FAILED", "for (;;); export default { fetch() {} };", quick],
    [
      "that waits for ever",
      "NEBULA_PREPARE_FAILED",
      "await new Promise(() => {}); export default { fetch() {} };",
      quick,
    ],
    [
      "that takes all memory",
      "NEBULA_PREPARE_FAILED",
      "const a = []; for (;;) a.push(new Array(1000).fill(1)); export default { fetch() {} };",
    ],
    ["without anything to serve", "NEBULA_REQUEST_INVALID", { files: {} }],
    [
      "without a form for its engine",
      "NEBULA_REQUEST_INVALID",
      "export default { fetch() {} };",
      { engines: ["container"] },
    ],
  ];
  test.for(CASES)("%s is %s", { timeout: BOUND_MS }, async ([, code, source, change]) => {
    expect(await rejectionOf(node.deploy("broken", source, change))).toMatchObject({ code });
  });
});

describe("a deployment sent by hand", () => {
  /** JSON of the good one, under another name, with something else in one place; `undefined` takes the place away. */
  const put = (path: string, value: unknown) => () => {
    const input: unknown = JSON.parse(JSON.stringify({ ...good, spec: { ...good.spec, name: "broken" } }));
    const keys = path.split(" ");
    const last = keys.pop() ?? "";
    const place = keys.reduce((at: unknown, key) => Reflect.get(Object(at), key), input);
    Reflect.set(Object(place), last, value);
    return JSON.stringify(input);
  };
  const deep = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`;
  const within = (text: string) => () => put("spec bindings", ["HERE"])().replace('"HERE"', text);
  const digest = (char: string) => `sha256:${char.repeat(64)}`;
  const variable = { type: "var", name: "A", value: 1 };

  const CASES: readonly (readonly [what: string, code: ErrorCode, body: () => string | Uint8Array<ArrayBuffer>])[] = [
    ["that is empty", "NEBULA_REQUEST_INVALID", () => ""],
    ["that is no JSON", "NEBULA_REQUEST_INVALID", () => "{"],
    ["that is no text", "NEBULA_REQUEST_INVALID", () => new Uint8Array([0x7b, 0xff])],
    ["that is null", "NEBULA_REQUEST_INVALID", () => "null"],
    ["that is a list", "NEBULA_REQUEST_INVALID", () => "[]"],
    ["that is a text", "NEBULA_REQUEST_INVALID", () => '"spec"'],
    ["that is huge", "NEBULA_BODY_TOO_LARGE", () => "x".repeat(17 * MIB)],
    ["5 000 levels deep", "NEBULA_REQUEST_INVALID", () => deep(5_000)],
    [
      "with a variable 5 000 levels deep",
      "NEBULA_REQUEST_INVALID",
      within(`{"type":"var","name":"A","value":${deep(5_000)}}`),
    ],
    [
      "with a variable 500 000 levels deep",
      "NEBULA_REQUEST_INVALID",
      within(`{"type":"var","name":"A","value":${deep(500_000)}}`),
    ],
    ["without a spec", "NEBULA_REQUEST_INVALID", put("spec", undefined)],
    ["without forms and assets", "NEBULA_REQUEST_INVALID", () => JSON.stringify({ spec: good.spec })],
    ["whose name is a path", "NEBULA_REQUEST_INVALID", put("spec name", "../x")],
    ["whose name is __proto__", "NEBULA_REQUEST_INVALID", put("spec name", "__proto__")],
    ["whose name has 1 000 000 letters", "NEBULA_REQUEST_INVALID", put("spec name", "x".repeat(1_000_000))],
    ["whose engines are a text", "NEBULA_REQUEST_INVALID", put("spec engines", "isolate")],
    ["whose engine is unknown", "NEBULA_REQUEST_INVALID", put("spec engines", ["warp"])],
    ["without engines", "NEBULA_REQUEST_INVALID", put("spec engines", [])],
    ["whose date is none", "NEBULA_REQUEST_INVALID", put("spec compatibility date", "yesterday")],
    ["whose flags are numbers", "NEBULA_REQUEST_INVALID", put("spec compatibility flags", [1])],
    ["whose route is none", "NEBULA_CONFIG_INVALID", put("spec routes", ["a*b/*"])],
    ["whose route is kept for names", "NEBULA_CONFIG_INVALID", put("spec routes", ["*/fn/x"])],
    ["with 1 001 routes", "NEBULA_REQUEST_INVALID", put("spec routes", Array(1_001).fill("a.test/"))],
    ["whose limits are a text", "NEBULA_REQUEST_INVALID", put("spec limits", "none")],
    ["whose limits are null", "NEBULA_REQUEST_INVALID", put("spec limits", null)],
    ["with a negative limit", "NEBULA_REQUEST_INVALID", put("spec limits wallMs", -1)],
    ["with a limit that is a text", "NEBULA_REQUEST_INVALID", put("spec limits wallMs", "1")],
    ["with a limit unheard of that is a text", "NEBULA_REQUEST_INVALID", put("spec limits later", "x")],
    ["with too little memory", "NEBULA_REQUEST_INVALID", put("spec limits memoryBytes", 1)],
    ["with half an instance", "NEBULA_REQUEST_INVALID", put("spec scaling maxInstances", 1.5)],
    ["with a minimum above its maximum", "NEBULA_REQUEST_INVALID", put("spec scaling minInstances", 100)],
    ["with a binding of no kind", "NEBULA_REQUEST_INVALID", put("spec bindings", [{ type: "magic", name: "A" }])],
    [
      "with a binding named __proto__",
      "NEBULA_REQUEST_INVALID",
      put("spec bindings", [{ ...variable, name: "__proto__" }]),
    ],
    ["with two bindings of one name", "NEBULA_REQUEST_INVALID", put("spec bindings", [variable, variable])],
    ["whose allow-list has a space", "NEBULA_REQUEST_INVALID", put("spec outbound", ["a b"])],
    ["of another kind of artifact", "NEBULA_REQUEST_INVALID", put("forms 0 artifact kind", "elf")],
    ["of another style", "NEBULA_REQUEST_INVALID", put("forms 0 artifact style", "poem")],
    ["whose style is a lie", "NEBULA_PREPARE_FAILED", put("forms 0 artifact style", "deno")],
    ["whose digest is in capitals", "NEBULA_REQUEST_INVALID", put("forms 0 artifact main digest", digest("A"))],
    ["whose digest is a path", "NEBULA_REQUEST_INVALID", put("forms 0 artifact main digest", "../../token")],
    ["whose code is not here", "NEBULA_ARTIFACT_INVALID", put("forms 0 artifact main digest", digest("a"))],
    ["whose file is not here", "NEBULA_ARTIFACT_INVALID", put("assets files /a.txt digest", digest("a"))],
    ["whose code has other bytes", "NEBULA_ARTIFACT_INVALID", put("forms 0 artifact main bytes", 1)],
    ["whose file has other bytes", "NEBULA_ARTIFACT_INVALID", put("assets files /a.txt bytes", 100)],
    ["whose bytes are negative", "NEBULA_REQUEST_INVALID", put("forms 0 artifact main bytes", -1)],
    ["whose code is said to be Wasm", "NEBULA_PREPARE_FAILED", put("forms 0 artifact main kind", "wasm")],
    ["whose code is said to be a text", "NEBULA_PREPARE_FAILED", put("forms 0 artifact main kind", "text")],
    ["whose module is missing", "NEBULA_PREPARE_FAILED", put("forms 0 artifact modules", [])],
    ["whose files are a list", "NEBULA_REQUEST_INVALID", put("assets files", [])],
    [
      "whose file has no slash before it",
      "NEBULA_REQUEST_INVALID",
      () =>
        put("assets files", { HERE: 1 })().replace(
          '{"HERE":1}',
          `{"../a":${JSON.stringify(good.assets?.files["/a.txt"])}}`,
        ),
    ],
    ["whose content type breaks lines", "NEBULA_REQUEST_INVALID", put("assets files /a.txt contentType", "a\r\nb: c")],
  ];
  test.for(CASES)("%s is %s", { timeout: BOUND_MS }, async ([, code, body]) => {
    const response = await control("POST", "/v1/deployments", body());
    const problem: unknown = await response.json();
    expect(problem).toMatchObject({ code, status: response.status });
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect((await node.client.listFunctions()).map(({ name }) => name)).not.toContain("broken");
  });

  test("with keys of prototypes changes no prototype", async () => {
    for (const key of ["__proto__", "constructor", "prototype"]) {
      const text = JSON.stringify({ ...good, spec: { ...good.spec, name: "keys" } });
      const evil = `"${key}":{"polluted":true,"prototype":{"polluted":true}},`;
      const body = text
        .replace("{", `{${evil}`)
        .replace('"spec":{', `"spec":{${evil}`)
        .replace('"limits":{', '"limits":{');
      const response = await control("POST", "/v1/deployments", body);
      expect([201, 400]).toContain(response.status);
      expect(Reflect.get({}, "polluted")).toBeUndefined();
    }
  });

  test("whose blob is damaged on disk is refused, and mended by sending it again", async () => {
    const { digest: main, bytes } = artifact.main;
    const hex = main.slice("sha256:".length);
    const path = join(node.stateDir, "artifacts", hex.slice(0, 2), hex.slice(2));
    const content = await readFile(path);
    await writeFile(path, "x".repeat(bytes));
    const body = put("spec name", "damaged")();
    const refused = await control("POST", "/v1/deployments", body);
    expect(await refused.json()).toMatchObject({ code: "NEBULA_STATE_FAILED" });
    expect((await node.client.listFunctions()).map(({ name }) => name)).not.toContain("damaged");
    await node.client.put(main, { from: "memory", content });
    expect((await control("POST", "/v1/deployments", body)).status).toBe(201);
  });
});

describe("a request to the control port", () => {
  const blob = `/v1/blobs/sha256:${"a".repeat(64)}`;
  const CASES: readonly (readonly [what: string, status: number, method: string, path: string, body?: string])[] = [
    ["for an unknown path", 404, "GET", "/v2/node"],
    ["with a method that nothing takes", 404, "PUT", "/v1/node", "x"],
    ["for a function that is a path", 404, "GET", "/v1/functions/%2e%2e%2fnode"],
    ["for a function in broken encoding", 404, "GET", "/v1/functions/%zz"],
    ["for a function named __proto__", 404, "GET", "/v1/functions/__proto__"],
    ["to remove a function that is none", 404, "DELETE", "/v1/functions/nobody"],
    ["to put a blob without a digest", 400, "PUT", "/v1/blobs/sha256:zz", "x"],
    ["to put a blob elsewhere", 400, "PUT", "/v1/blobs/..%2f..%2ftoken", "x"],
    ["to put other bytes than the digest says", 422, "PUT", blob, "x"],
    ["to put no bytes", 422, "PUT", blob],
    ["for missing blobs that is no JSON", 400, "POST", "/v1/blobs/missing", "x"],
    ["for missing blobs that are no list", 400, "POST", "/v1/blobs/missing", '{"digests":"x"}'],
    ["for missing blobs that are no digests", 400, "POST", "/v1/blobs/missing", '{"digests":["../x"]}'],
    ["for missing blobs of a prototype", 400, "POST", "/v1/blobs/missing", '{"__proto__":{"digests":[]}}'],
  ];
  test.for(CASES)("%s is answered with %s", async ([, status, method, path, body]) => {
    const response = await control(method, path, body);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ status, code: expect.stringMatching(/^NEBULA_/) });
  });

  test.for(["", "Bearer", "Bearer ", "Bearer wrong", "Basic TOKEN", "TOKEN", "Bearer TOKEN TOKEN", "Bearer TOKENx"])(
    "with %j as its authorization is refused, whatever it asks for",
    async (pattern) => {
      const headers = { authorization: pattern.replaceAll("TOKEN", node.token) };
      for (const path of ["/v1/node", "/v1/deployments", "/nowhere"]) {
        const response = await fetch(node.controlUrl + path, { headers });
        expect(response.status).toBe(401);
        expect(response.headers.get("www-authenticate")).toBe("Bearer");
        expect(await response.text()).not.toContain(node.token);
      }
    },
  );

  test("that is too large closes its connection, and the next one is not harmed", async () => {
    const response = await control("POST", "/v1/deployments", "x".repeat(17 * MIB));
    expect(response.status).toBe(413);
    expect(response.headers.get("connection")).toBe("close");
    await response.text();
    for (let i = 0; i < 5; i += 1) expect((await control("GET", "/v1/node")).status).toBe(200);
  });
});

async function control(method: string, path: string, body?: string | Uint8Array<ArrayBuffer>): Promise<Response> {
  return await fetch(node.controlUrl + path, {
    method,
    headers: { authorization: `Bearer ${node.token}` },
    ...(body !== undefined && { body }),
  });
}
