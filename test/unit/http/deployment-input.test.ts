import { expect, test } from "vitest";
import { parseDeploymentInput } from "../../../src/http/deployment-input.ts";
import { MAX_ARCHIVE_BYTES, MAX_BLOB_BYTES } from "../../../src/model/artifact.ts";
import { DEFAULT_LIMITS, DEFAULT_SCALING } from "../../../src/model/function.ts";
import { toSpec } from "../../support/guest-source.ts";

const digest = `sha256:${"a".repeat(64)}`;
const file = { digest, bytes: 1, contentType: "text/plain" };
const input = () => ({
  spec: toSpec({ name: "guest", files: {}, vars: { A: { b: [1, null] } } }),
  forms: [
    {
      engine: "isolate",
      artifact: {
        kind: "js",
        main: { digest, bytes: 1, name: "./index.js", kind: "js" },
        modules: [],
        style: "module",
      },
    },
  ],
  assets: { files: { "/a": { ...file, encoded: { br: { digest, bytes: 1 } } } }, headersFile: "/*\n  x: y" },
});

test("parseDeploymentInput() gives back what is right, unchanged", () => {
  expect(parseDeploymentInput(input())).toEqual(input());
});

test("parseDeploymentInput() fills in the limits that an older author does not know", () => {
  const { spec, ...rest } = input();
  const sparse = { ...rest, spec: { ...spec, limits: { wallMs: 5 }, scaling: undefined } };
  const parsed = parseDeploymentInput(sparse);
  expect(parsed.spec.limits).toEqual({ ...DEFAULT_LIMITS, wallMs: 5 });
  expect(parsed.spec.scaling).toEqual(DEFAULT_SCALING);
});

test("parseDeploymentInput() lets through what a newer author says besides, and names the part that is wrong", () => {
  const { spec, ...rest } = input();
  expect(parseDeploymentInput({ ...rest, spec: { ...spec, later: true } }).spec).toMatchObject({ later: true });
  for (const [field, value] of [
    ["name", "A"],
    ["outbound", "x"],
    ["limits", { wallMs: 0 }],
    ["scaling", { queueDepth: 0.5 }],
    ["scaling", { idleMs: 3_000_000_000 }],
  ] as const) {
    expect(() => parseDeploymentInput({ ...rest, spec: { ...spec, [field]: value } })).toThrow(
      expect.objectContaining({ code: "NEBULA_REQUEST_INVALID", message: expect.stringContaining(`"spec.${field}"`) }),
    );
  }
});

test("parseDeploymentInput() refuses files that a node would not hold in memory", () => {
  const { spec, forms, assets } = input();
  const [form] = forms;
  for (const [bytes, isRight] of [
    [MAX_BLOB_BYTES, true],
    [MAX_BLOB_BYTES + 1, false],
  ] as const) {
    const code = { ...form, artifact: { ...form?.artifact, main: { ...form?.artifact.main, bytes } } };
    const files = { ...assets, files: { "/a": { ...file, bytes } } };
    for (const changed of [
      { spec, forms: [code] },
      { spec, forms, assets: files },
    ]) {
      if (isRight) expect(parseDeploymentInput(changed)).toEqual(changed);
      else expect(() => parseDeploymentInput(changed)).toThrow("is missing or not as it should be");
    }
  }
});

test("parseDeploymentInput() takes code alone, or assets alone, and not neither", () => {
  const { spec, forms, assets } = input();
  expect(parseDeploymentInput({ spec, forms })).not.toHaveProperty("assets");
  expect(parseDeploymentInput({ spec, forms: [], assets }).forms).toEqual([]);
  expect(() => parseDeploymentInput({ spec, forms: [] })).toThrow('"forms"');
  expect(() => parseDeploymentInput({ spec })).toThrow('"forms"');
});

test("parseDeploymentInput() takes one form for each engine, of which one at least was built", () => {
  const { spec: one, forms } = input();
  const spec = { ...one, engines: ["isolate", "container"] };
  const failed = { engine: "container", failure: "Cannot build it: there is no Docker here" };
  expect(parseDeploymentInput({ spec, forms: [...forms, failed] }).forms).toEqual([...forms, failed]);
  expect(() => parseDeploymentInput({ spec: one, forms: [...forms, failed] })).toThrow('"forms"');
  for (const wrong of [[failed], [...forms, ...forms], [{ engine: "native", failure: "" }], "forms"]) {
    expect(() => parseDeploymentInput({ spec, forms: wrong })).toThrow('"forms"');
  }
});

test.each([
  ["an id", { image: digest }, true],
  ["an id with its archive", { image: digest, archive: { digest, bytes: 1 }, platform: "linux/arm64/v8" }, true],
  ["a name with a digest", { image: `docker.io/library/nginx@${digest}` }, true],
  ["an archive of gigabytes", { image: digest, archive: { digest, bytes: MAX_ARCHIVE_BYTES } }, true],
  ["an archive that is too large", { image: digest, archive: { digest, bytes: MAX_ARCHIVE_BYTES + 1 } }, false],
  ["a name with a tag", { image: "nginx:latest" }, false],
  ["an option", { image: `--privileged@${digest}` }, false],
  ["a platform that is none", { image: digest, platform: "../amd64" }, false],
])("parseDeploymentInput() takes or refuses an image that is %s", (_name, image, isRight) => {
  const forms = [{ engine: "container", artifact: { kind: "image", ...image } }];
  const parse = () => parseDeploymentInput({ spec: { ...input().spec, engines: ["container"] }, forms });
  if (isRight) expect(parse().forms).toEqual(forms);
  else expect(parse).toThrow('"forms"');
});

const wasm = () => ({
  spec: {
    ...toSpec({ name: "guest", files: {} }),
    engines: ["wasi"],
    wasi: { interface: "cgi", args: ["-q"], state: "/state", proof: [{ method: "POST", path: "/?n=1", body: "x" }] },
  },
  forms: wasmForms({}),
});

const wasmForms = (change: object) => [
  {
    engine: "wasi",
    artifact: {
      kind: "wasi-p1",
      main: { digest, bytes: 1 },
      files: { "/data/a b.txt": { digest, bytes: 1 } },
      savings: [{ step: "snapshot", beforeMs: 1.9, afterMs: 0.1, isKept: false, reason: "it changed an answer" }],
      ...change,
    },
  },
];

test("parseDeploymentInput() takes a Wasm program and a component", () => {
  expect(parseDeploymentInput(wasm())).toEqual(wasm());
  const { spec } = wasm();
  const component = { spec, forms: wasmForms({ kind: "component" }) };
  expect(parseDeploymentInput(component)).toEqual(component);
});

test.each([
  ["an interface that is none", { interface: "http" }],
  ["a state that is relative", { state: "state" }],
  ["a state that leads up", { state: "/a/../b" }],
  ["an argument with a NUL", { args: ["a\0b"] }],
  ["more proofs than anybody needs", { proof: Array.from({ length: 17 }, () => ({ method: "GET", path: "/" })) }],
  ["a proof without a path", { proof: [{ method: "GET" }] }],
  ["a proof of megabytes", { proof: [{ method: "POST", path: "/", body: "x".repeat(300_000) }] }],
])("parseDeploymentInput() refuses %s", (_name, change) => {
  const { spec, forms } = wasm();
  expect(() => parseDeploymentInput({ spec: { ...spec, wasi: { ...spec.wasi, ...change } }, forms })).toThrow(
    '"spec.wasi"',
  );
});

test.each([
  ["a kind that is none", { kind: "wasi-p3" }],
  ["a file whose path is relative", { files: { "data/a": { digest, bytes: 1 } } }],
  ["a file whose path leads up", { files: { "/data/../a": { digest, bytes: 1 } } }],
  ["a file without a digest", { files: { "/a": { bytes: 1 } } }],
  ["a saving of no step", { savings: [{ step: "bundle", beforeMs: 1, afterMs: 1, isKept: true }] }],
  ["a saving of no time", { savings: [{ step: "snapshot", beforeMs: Number.NaN, afterMs: 1, isKept: true }] }],
])("parseDeploymentInput() refuses %s", (_name, change) => {
  const { spec } = wasm();
  expect(() => parseDeploymentInput({ spec, forms: wasmForms(change) })).toThrow('"forms"');
});

const withMigrations = (change: object, file: object = {}) => {
  const { spec, forms } = input();
  const bindings = [{ type: "d1", name: "DB", id: "db" }] as const;
  const files = [{ name: "0001_a.sql", digest, bytes: 1, ...file }];
  return { spec: { ...spec, bindings }, forms, migrations: [{ database: "db", table: "done", files, ...change }] };
};

test("parseDeploymentInput() takes the migrations of a database that the function has", () => {
  expect(parseDeploymentInput(withMigrations({}))).toEqual(withMigrations({}));
});

test.each<[what: string, change: object, file?: object]>([
  ["of a database that the function has not", { database: "other" }],
  ["of a table with a name for SQL to stumble over", { table: 'a"; DROP TABLE b; --' }],
  ["of a table of SQLite's own", { table: "SQLITE_schema" }],
  ["with a path for a name", {}, { name: "../a.sql" }],
  ["without a digest", {}, { digest: "a" }],
  ["that are too long", {}, { bytes: 4 * 1024 * 1024 + 1 }],
  ["with a file twice", { files: ["a.sql", "a.sql"].map((name) => ({ name, digest, bytes: 1 })) }],
  ["in thousands", { files: Array.from({ length: 1_001 }, (_, i) => ({ name: `${i}.sql`, digest, bytes: 1 })) }],
])("parseDeploymentInput() refuses migrations %s", (_, change, file) => {
  expect(() => parseDeploymentInput(withMigrations(change, file))).toThrow('"migrations"');
});
