import { afterAll } from "vitest";
import { withDeno } from "../support/deno.ts";
import { openIsolateLab } from "../support/isolate-lab.ts";
import { engineContract } from "./engine.ts";

await withDeno("isolate on Deno", async () => {
  const lab = await openIsolateLab({ runtime: "deno" });
  afterAll(() => lab[Symbol.asyncDispose]());
  engineContract("isolate on Deno", { engine: lab.engine, build: lab.build });
});
