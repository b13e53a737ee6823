/**
 * How an entry hands over its handler, told from its exports and its text.
 */

import type { JsArtifact } from "../model/artifact.ts";
import type { Diagnostic } from "../model/errors.ts";

const DENO_SERVE = /\bDeno\s*\.\s*serve\s*\(/;
const FETCH_LISTENER = /\baddEventListener\s*\(\s*["'`]fetch["'`]/;

/** `undefined` when none of the three forms is there. A default export decides, whatever else the code calls. */
export function findStyle(exports: readonly string[], code: string): JsArtifact["style"] | undefined {
  if (exports.includes("default")) return "module";
  if (DENO_SERVE.test(code)) return "deno";
  return FETCH_LISTENER.test(code) ? "listener" : undefined;
}

/** The problem of an entry without a handler. */
export function noHandler(main: string): Diagnostic {
  return {
    severity: "error",
    message: "it has no default export, calls no Deno.serve and adds no listener for fetch",
    file: main,
    line: 1,
    column: 1,
    hint: 'Write one of: export default { fetch(request, env, ctx) {} } · Deno.serve((request) => response) · addEventListener("fetch", (event) => event.respondWith(response))',
  };
}
