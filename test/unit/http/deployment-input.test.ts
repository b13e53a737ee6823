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
