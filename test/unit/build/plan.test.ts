import { expect, test } from "vitest";
import { planBuild } from "../../../src/build/plan.ts";
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

test.each(WASM_CASES)("planBuild() plans $name", ({ project, steps }) => {
  expect(planBuild(project).steps.map(({ step, after }) => [step, after])).toEqual(steps);
});

test.each(CASES)("planBuild() plans $name", ({ options, steps }) => {
  const plan = planBuild(toProject("/nowhere", options));
  expect(plan.steps.map(({ step, after }) => [step, after])).toEqual(steps);
});
