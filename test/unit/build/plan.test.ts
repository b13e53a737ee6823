import { expect, test } from "vitest";
import { planBuild } from "../../../src/build/plan.ts";
import { type ProjectOptions, toProject } from "./support.ts";

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

test.each(CASES)("planBuild() plans $name", ({ options, steps }) => {
  const plan = planBuild(toProject("/nowhere", options));
  expect(plan.steps.map(({ step, after }) => [step, after])).toEqual(steps);
});
