/**
 * How JavaScript is written for the engine in Wasm.
 *
 * `await` becomes calls of `Promise`, which is the prelude's own there: the engine would run the jobs of its promises
 * only after the handler has returned.
 */

import type { BuildOptions } from "../esbuild.ts";

/** For our code and the function's. */
export const GUEST_OPTIONS = {
  format: "iife",
  platform: "neutral",
  target: "es2024",
  // An import at run time would find nothing, and wait in a promise of the engine: it is refused when it is called.
  supported: {
    "dynamic-import": false,
    "async-await": false,
    "async-generator": false,
    "for-await": false,
    using: false,
  },
  charset: "utf8",
  legalComments: "none",
  tsconfigRaw: "{}",
} as const satisfies BuildOptions;
