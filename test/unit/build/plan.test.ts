import { expect, test } from "vitest";
import { listNeeded, planBuild } from "../../../src/build/plan.ts";
import type { Project } from "../../../src/model/function.ts";
import { type ProjectOptions, toProject } from "./support.ts";
import { toWasmProject } from "./wasm-support.ts";

const CASES: { name: string; options: ProjectOptions; steps: [step: string, after: string[]][] }[] = [
  { name: "an entry alone", options: { main: "a.ts" }, steps: [["bundle", []]] },
  { name: "static files alone", options: { assetsDir: "public" }, steps: [["assets", []]] },
  { name: "no_bundle", options: { main: "a.js", build: { isBundled: false } }, steps: [["modules", []]] },
  { name: "a command alone", options: { build: { command: "make" } }, steps: [["command", []]] },
  { name: "nothing", options: {}, steps: [] },
  {
    name: "everything",
    options: { main: "a.ts", assetsDir: "public", build: { command: "make" } },
    steps: [
      ["command", []],
      ["bundle", ["command"]],
      ["assets", ["command"]],
    ],
  },
];

const WASM_CASES: { name: string; project: Project; steps: [step: string, after: string[]][] }[] = [
  {
    name: "a .wasm file",
    project: toWasmProject("/nowhere"),
    steps: [
      ["module", []],
      ["snapshot", ["module"]],
      ["optimise", ["snapshot"]],
    ],
  },
  {
    name: "a .wasm file with files and a command",
    project: toWasmProject("/nowhere", { mounts: { "/data": "data" }, build: { command: "make" } }),
    steps: [
      ["command", []],
      ["module", ["command"]],
      ["files", ["command"]],
      ["snapshot", ["module", "files"]],
      ["optimise", ["snapshot", "files"]],
    ],
  },
  {
    name: "JavaScript for the wasi engine as it is",
    project: toWasmProject("/nowhere", { main: "a.js", build: { isBundled: false }, mounts: { "/data": "data" } }),
    steps: [
      ["modules", []],
      ["files", []],
      ["componentize", ["modules", "files"]],
    ],
  },
  {
    name: "JavaScript for the wasi engine",
    project: toWasmProject("/nowhere", { main: "a.ts" }),
    steps: [
      ["bundle", []],
      ["componentize", ["bundle"]],
    ],
  },
];

const REFERENCE = `debian@sha256:${"a".repeat(64)}`;

/** Of several engines. After the steps: which of them ends in which form. */
const FORM_CASES: { name: string; options: ProjectOptions; steps: [string, string[]][]; forms: [string, string][] }[] =
  [
    {
      name: "a Dockerfile alone",
      options: { engines: ["container"], dockerfile: "Dockerfile" },
      steps: [["image", []]],
      forms: [["container", "image"]],
    },
    {
      name: "an image that is pulled, after a command",
      options: { engines: ["container"], reference: REFERENCE, build: { command: "make" } },
      steps: [
        ["command", []],
        ["image", ["command"]],
      ],
      forms: [["container", "image"]],
    },
    {
      name: "one bundle for two engines",
      options: {
        engines: ["wasi", "container", "isolate"],
        main: "a.ts",
        dockerfile: "Dockerfile",
        assetsDir: "public",
      },
      steps: [
        ["bundle", []],
        ["componentize", ["bundle"]],
        ["image", []],
        ["assets", []],
      ],
      forms: [
        ["wasi", "componentize"],
        ["container", "image"],
        ["isolate", "bundle"],
      ],
    },
    {
      name: "a .wasm file beside JavaScript",
      options: { engines: ["isolate", "wasi"], main: "a.ts", entries: { wasi: "a.wasm" } },
      steps: [
        ["bundle", []],
        ["module", []],
        ["snapshot", ["module"]],
        ["optimise", ["snapshot"]],
      ],
      forms: [
        ["isolate", "bundle"],
        ["wasi", "optimise"],
      ],
    },
    {
      name: "two entries of JavaScript",
      options: {
        engines: ["wasi", "isolate"],
        entries: { wasi: "a.js", isolate: "b.js" },
        build: { isBundled: false },
      },
      steps: [
        ["modules-wasi", []],
        ["componentize", ["modules-wasi"]],
        ["modules", []],
      ],
      forms: [
        ["wasi", "componentize"],
        ["isolate", "modules"],
      ],
    },
    { name: "an engine without a form", options: { engines: ["container"], main: "a.ts" }, steps: [], forms: [] },
  ];

test.each(FORM_CASES)("planBuild() plans $name", ({ options, steps, forms }) => {
  const plan = planBuild(toProject("/nowhere", options));
  expect(plan.steps.map(({ step, after }) => [step, after])).toEqual(steps);
  expect(plan.forms.map(({ engine, step }) => [engine, step])).toEqual(forms);
});

test("listNeeded() of a form leaves out what other forms need alone", () => {
  const options: ProjectOptions = { engines: ["wasi", "isolate", "container"], main: "a.ts", dockerfile: "Dockerfile" };
  const plan = planBuild(toProject("/nowhere", { ...options, build: { command: "make" } }));
  expect(plan.forms.map((form) => [...listNeeded(plan, form)].sort())).toEqual([
    ["bundle", "command", "componentize"],
    ["bundle", "command"],
    ["command", "image"],
  ]);
});

test.each(WASM_CASES)("planBuild() plans $name", ({ project, steps }) => {
  expect(planBuild(project).steps.map(({ step, after }) => [step, after])).toEqual(steps);
});

test.each(CASES)("planBuild() plans $name", ({ options, steps }) => {
  const plan = planBuild(toProject("/nowhere", options));
  expect(plan.steps.map(({ step, after }) => [step, after])).toEqual(steps);
});
