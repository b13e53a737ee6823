/**
 * The web's APIs and the event loop for functions in Wasm, as one text.
 */

import { extname, join } from "node:path";
import type { Esbuild } from "../esbuild.ts";
import { buildFailed } from "../step.ts";
import { GUEST_OPTIONS } from "./guest-options.ts";

/** The variable that holds what the prelude exports. */
export const PRELUDE_NAME = "__nebula";

/** @throws {NebulaError} NEBULA_BUILD_FAILED when what the prelude is made of is not installed. */
export async function bundlePrelude(esbuild: Esbuild, { signal }: { signal: AbortSignal }): Promise<string> {
  // The same place and ending in the sources and in the package.
  const entry = join(import.meta.dirname, "prelude", `main${extname(import.meta.filename)}`);
  await using bundler = esbuild.openBundler({
    ...GUEST_OPTIONS,
    entryPoints: [entry],
    bundle: true,
    outdir: import.meta.dirname,
    globalName: PRELUDE_NAME,
    minifyWhitespace: true,
    minifySyntax: true,
    minifyIdentifiers: true,
    mainFields: ["module", "main"],
  });
  const { files, errors } = await bundler.run({ signal });
  const [file] = files;
  if (file !== undefined) return Buffer.from(file.contents).toString().trim();
  const [first] = errors;
  throw buildFailed(
    "componentize",
    `Cannot make the function into WebAssembly: ${first?.text ?? "its prelude is missing"}`,
    {
      hint: "Install what it is made of beside Nebula with npm install web-streams-polyfill",
    },
  );
}
