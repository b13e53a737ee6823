/**
 * Bundles our own code for inside the guest process into one text, which the process gets on standard input.
 */

import { isBuiltin } from "node:module";
import { dirname, relative } from "node:path";
import { createEsbuild, type Esbuild } from "./esbuild.ts";
import { nodeImportsPlugin } from "./plugins/node-imports.ts";
import { toBuildFailure, toDiagnostics } from "./problems.ts";

/** What our code in the guest takes from the global scope: its own from the start, whatever a function does there later. */
const OWN_GLOBALS = [
  "AbortController Array DOMException Error ErrorEvent Event EventTarget Function Headers JSON Map Math Number Object",
  "Promise Proxy ReadableStream Reflect RegExp Request Response Set String Symbol TextDecoder TextEncoder TypeError",
  "URL Uint8Array WeakMap WebAssembly",
].flatMap((line) => line.split(" "));

/** How the bootstrap is written. */
export interface BootstrapOptions {
  /** The shared one, where there is one: see `runBuild`. */
  readonly esbuild?: Esbuild;
  readonly signal?: AbortSignal;
}

/**
 * The text of one self-contained ES module that imports nothing but `node:` modules.
 *
 * @throws {NebulaError} NEBULA_BUILD_FAILED when the entry does not bundle.
 */
export async function buildGuestBootstrap(entry: string, options: BootstrapOptions = {}): Promise<string> {
  await using own = createEsbuild();
  const dir = dirname(entry);
  await using bundler = (options.esbuild ?? own).openBundler({
    absWorkingDir: dir,
    entryPoints: [entry],
    bundle: true,
    outdir: dir,
    format: "esm",
    platform: "node",
    target: "es2024",
    supported: { using: true },
    charset: "utf8",
    legalComments: "none",
    banner: { js: `const { ${OWN_GLOBALS.join(", ")} } = globalThis;` },
    // What stacks say instead of a path of this machine.
    footer: { js: "//# sourceURL=nebula:guest" },
    plugins: [nodeImportsPlugin({ accepts: (name) => isBuiltin(`node:${name}`), aliases: [] })],
  });
  const { errors, files } = await bundler.run({ signal: options.signal ?? new AbortController().signal });
  const context = { main: relative(dir, entry), compatibility: { date: "", flags: ["nodejs_compat"] } };
  const [file] = files;
  if (file !== undefined) return Buffer.from(file.contents).toString();
  throw toBuildFailure("bundle", context.main, toDiagnostics(errors, { ...context, severity: "error" }));
}
