import { expect, test } from "vitest";
import { parseDeploymentInput } from "../../../src/http/deployment-input.ts";
import { DEFAULT_LIMITS, DEFAULT_SCALING } from "../../../src/model/function.ts";
import { toSpec } from "../../support/guest-source.ts";

const digest = `sha256:${"a".repeat(64)}`;
const file = { digest, bytes: 1, contentType: "text/plain" };
const input = () => ({
  spec: toSpec({ name: "guest", files: {}, vars: { A: { b: [1, null] } } }),
  artifact: { kind: "js", main: { digest, bytes: 1, name: "./index.js", kind: "js" }, modules: [], style: "module" },
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

test("parseDeploymentInput() takes an artifact alone, or assets alone, and not neither", () => {
  const { spec, artifact, assets } = input();
  expect(Object.keys(parseDeploymentInput({ spec, artifact }))).toEqual(["spec", "artifact"]);
  expect(Object.keys(parseDeploymentInput({ spec, assets }))).toEqual(["spec", "assets"]);
  expect(() => parseDeploymentInput({ spec })).toThrow('"artifact"');
});

const wasm = () => ({
  spec: {
    ...toSpec({ name: "guest", files: {} }),
    engines: ["wasi"],
    wasi: { interface: "cgi", args: ["-q"], state: "/state", proof: [{ method: "POST", path: "/?n=1", body: "x" }] },
  },
  artifact: {
    kind: "wasi-p1",
    main: { digest, bytes: 1 },
    files: { "/data/a b.txt": { digest, bytes: 1 } },
    savings: [{ step: "snapshot", beforeMs: 1.9, afterMs: 0.1, isKept: false, reason: "it changed an answer" }],
  },
});

test("parseDeploymentInput() takes a Wasm program and a component", () => {
  expect(parseDeploymentInput(wasm())).toEqual(wasm());
  const { spec, artifact } = wasm();
  const component = { spec, artifact: { ...artifact, kind: "component" } };
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
  const { spec, artifact } = wasm();
  expect(() => parseDeploymentInput({ spec: { ...spec, wasi: { ...spec.wasi, ...change } }, artifact })).toThrow(
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
  const { spec, artifact } = wasm();
  expect(() => parseDeploymentInput({ spec, artifact: { ...artifact, ...change } })).toThrow('"artifact"');
});
