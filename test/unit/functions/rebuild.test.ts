/**
 * The modules of `functions/` that lie beside their sources are made of them: each is built again, where its tools are
 * installed, and compared.
 *
 * The same compiler makes the same bytes. Another version of it must at least make a module with the same imports and exports;
 * what modules answer is the business of test/e2e/wasi-functions.test.ts.
 */

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WASI_FUNCTIONS } from "../../support/wasi-functions.ts";

const run = promisify(execFile);
const REPO = join(import.meta.dirname, "../../..");
const FUNCTIONS = join(REPO, "functions");
const FONTS = "/usr/share/fonts/truetype/dejavu";
/** Scripts and compilers are run by the Node that runs the test. */
const PATH = `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ""}`;

interface Tool {
  /** The variable by which build.sh is told. */
  readonly variable: string;
  readonly command: string;
  readonly version: string;
}

/** By the word after "Built with:". `undefined`: not installed, or not for WASI. */
const TOOLS: Readonly<Record<string, () => Promise<Tool | undefined>>> = {
  rustc: async () => {
    for (const command of ["rustc", "/usr/bin/rustc"]) {
      const folder = await print(command, ["--print", "target-libdir", "--target", "wasm32-wasi"]);
      const version = await print(command, ["--version"]);
      if (folder && existsSync(folder) && version) return { variable: "RUSTC", command, version };
    }
    return undefined;
  },
  clang: async () => {
    const hasHeaders = existsSync("/usr/include/wasm32-wasi/unistd.h");
    const linker = await print("wasm-ld", ["--version"]);
    const version = await print("clang", ["--version"]);
    return hasHeaders && linker && version ? { variable: "CLANG", command: "clang", version } : undefined;
  },
  asc: async () => {
    const command = join(REPO, "node_modules/assemblyscript/bin/asc.js");
    const version = await print(command, ["--version"]);
    return version ? { variable: "ASC", command, version } : undefined;
  },
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nebula-rebuild-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.each(Object.keys(WASI_FUNCTIONS))("functions/%s", (name) => {
  test("is what its sources make", { timeout: 120_000 }, async (context) => {
    const source = join(FUNCTIONS, name);
    const script = await readFile(join(source, "build.sh"), "utf8");
    const [, word = "", recorded = ""] = /^# Built with: (\w+) ([\d.]+)/m.exec(script) ?? [];
    const tool = await TOOLS[word]?.();
    if (tool === undefined) {
      console.warn(`functions/${name} is not built again: ${word || "its tool"} for WASI is not installed here`);
      context.skip();
      return;
    }
    const committed = await readFile(join(source, await findModule(source)));
    const out = join(folder, `${name}.wasm`);
    const isComponent = committed.readUInt16LE(6) === 1;
    const env = { PATH, [tool.variable]: tool.command };
    await run("sh", [join(source, "build.sh"), ...(isComponent ? ["core"] : []), out], { env });
    const built = await readFile(out);
    if (!tool.version.includes(recorded)) {
      console.warn(`functions/${name} was built with ${word} ${recorded}, not ${tool.version.split("\n")[0]}`);
      expect(isComponent || toPorts(built)).toEqual(isComponent || toPorts(committed));
    } else if (isComponent) {
      // A component holds its core module as it is but for the custom sections.
      expect(committed.includes(findCode(built))).toBe(true);
    } else {
      expect(built.equals(committed), "the same bytes").toBe(true);
    }
  });
});

describe("functions/caption", () => {
  test("has the drawings of the site and the letters of its fonts", async (context) => {
    if (!existsSync(join(FONTS, "DejaVuSerifCondensed-Bold.ttf"))) {
      console.warn("functions/caption/tables.bin is not made again: fonts-dejavu-extra is not installed here");
      context.skip();
      return;
    }
    const out = join(folder, "tables.bin");
    await run(process.execPath, [join(FUNCTIONS, "caption/tables/make.js"), FONTS, out]);
    const committed = await readFile(join(FUNCTIONS, "caption/tables.bin"));
    expect((await readFile(out)).equals(committed)).toBe(true);
  });
});

test("every module of functions/ that has a build.sh is in the table of requests", async () => {
  const names = (await readdir(FUNCTIONS)).filter((name) => existsSync(join(FUNCTIONS, name, "build.sh")));
  expect(Object.keys(WASI_FUNCTIONS).sort()).toEqual(names.sort());
});

async function findModule(source: string): Promise<string> {
  const [module = "", ...others] = (await readdir(source)).filter((file) => file.endsWith(".wasm"));
  expect(others).toEqual([]);
  return module;
}

/** What a program prints; `undefined` when it cannot be run. */
async function print(command: string, args: readonly string[]): Promise<string | undefined> {
  try {
    return (await run(command, args, { env: { PATH } })).stdout.trim();
  } catch {
    return undefined; // because it is not installed
  }
}

/** Imports and exports, in any order. */
function toPorts(bytes: Uint8Array<ArrayBuffer>): string[] {
  const module = new WebAssembly.Module(bytes);
  const imports = WebAssembly.Module.imports(module).map((each) => `import ${each.module} ${each.name}`);
  return [...imports, ...WebAssembly.Module.exports(module).map(({ name }) => `export ${name}`)].sort();
}

/** The code section (10) of a core module, with its head. */
function findCode(module: Uint8Array): Uint8Array {
  for (let at = 8; at < module.length; ) {
    let [size, shift, next] = [0, 0, at + 1];
    for (; ; next += 1, shift += 7) {
      const byte = module[next] ?? 0;
      size |= (byte & 127) << shift;
      if (byte < 128) break;
    }
    const end = next + 1 + size;
    if (module[at] === 10) return module.subarray(at, end);
    at = end;
  }
  throw new Error("The module has no code");
}
