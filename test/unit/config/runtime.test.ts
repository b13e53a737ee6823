import { describe, expect, test } from "vitest";
import { readProject } from "../../../src/config/read-project.ts";
import { createProjectFolder, readDiagnostics, toLine } from "./project-folder.ts";

const toFiles = (nebula: string) => ({
  "index.ts": "",
  "x.wasm": "",
  "wrangler.toml": `compatibility_date = "2026-11-01"\n${nebula}`,
});

async function read(nebula: string) {
  await using folder = await createProjectFolder(toFiles(nebula));
  const { project, warnings } = await readProject(folder.dir);
  return { runtime: project.spec.runtime, warnings: warnings.map(toLine) };
}

describe("the runtime", () => {
  test("is the one that is named, and is left out where none is", async () => {
    expect(await read('main = "index.ts"\nnebula.runtime = "deno"')).toEqual({ runtime: "deno", warnings: [] });
    expect(await read('main = "index.ts"\nnebula.runtime = "node"')).toEqual({ runtime: "node", warnings: [] });
    expect(await read('main = "index.ts"')).toEqual({ runtime: undefined, warnings: [] });
  });

  test("has no effect where no engine takes it", async () => {
    const { runtime, warnings } = await read('main = "x.wasm"\nnebula.runtime = "deno"');
    expect(runtime).toBeUndefined();
    expect(warnings).toEqual(['3:8 warning "nebula.runtime" has no effect: no engine is "isolate"']);
  });

  test("is no other word", async () => {
    await using folder = await createProjectFolder(toFiles('main = "index.ts"\nnebula.runtime = "bun"'));
    expect((await readDiagnostics(folder.dir)).map(toLine)).toEqual([
      '3:18 error "nebula.runtime" must be one of "node", "deno", is "bun"',
    ]);
  });
});
