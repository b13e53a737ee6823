import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { StateHolds } from "../../../src/engine/wasi/state-hold.ts";
import { until } from "../../support/capabilities.ts";

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

it("a hold is one for all who have the name, and goes with the last of them", async () => {
  const holds = new StateHolds();
  const kept = holds.find("kept");
  for (let i = 0; i < 100; i++) holds.find(`passing-${i}`);
  expect(holds.size).toBe(101);
  await until("the others are gone", async () => {
    collect();
    return holds.size === 1;
  });
  expect(holds.find("kept")).toBe(kept);
  expect(holds.find("passing-0")).not.toBe(kept);
});
