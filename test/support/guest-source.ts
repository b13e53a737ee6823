/**
 * A function as a test writes it down: its text, and what its configuration would say.
 */

import {
  DEFAULT_LIMITS,
  DEFAULT_SCALING,
  type FunctionSpec,
  type Json,
  type Limits,
} from "../../src/model/function.ts";

export interface GuestSource {
  /** File name → content. The entry is `index.ts` or `index.js`. */
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  /** With `false` the files (`.mjs` besides the entry) are taken as they are, and the entry is `index.js`. */
  readonly isBundled?: boolean;
  readonly name?: string;
  readonly limits?: Partial<Limits>;
  readonly vars?: Readonly<Record<string, Json>>;
  /** Names of bindings that the test's capabilities answer. */
  readonly services?: readonly string[];
  readonly flags?: readonly string[];
}

/** A guest of one file whose default export has this `fetch`. */
export function answering(fetchFunction: string, rest: Omit<GuestSource, "files"> = {}): GuestSource {
  return { files: { "index.ts": `export default { fetch: ${fetchFunction} };` }, ...rest };
}

/**
 * Guests of one handler each that are one in truth, which takes a single build: a variable says which of them it is.
 * `ways` has the `fetch` of each.
 */
export function gather<Way extends string>(
  ways: Readonly<Record<Way, string>>,
): (way: Way, rest?: Omit<GuestSource, "files">) => GuestSource {
  const handlers = Object.entries(ways).map(([way, fetchFunction]) => `${way}: ${fetchFunction},`);
  const text = `const ways = {\n${handlers.join("\n")}\n};
export default { fetch: (request, env, ctx) => ways[env.WAY](request, env, ctx) };`;
  return (way, { vars, ...rest } = {}) => ({ files: { "index.ts": text }, ...rest, vars: { ...vars, WAY: way } });
}

/** Limits that let a test end soon. */
export const QUICK_LIMITS: Limits = { ...DEFAULT_LIMITS, startMs: 5_000, waitUntilMs: 2_000, wallMs: 5_000 };

export function toSpec({ name = "guest", limits, vars = {}, services = [], flags = [] }: GuestSource): FunctionSpec {
  return {
    name,
    engines: ["isolate"],
    compatibility: { date: "2026-01-01", flags },
    routes: [],
    bindings: [
      ...Object.entries(vars).map(([key, value]) => ({ type: "var" as const, name: key, value })),
      ...services.map((key) => ({ type: "service" as const, name: key, service: key.toLowerCase() })),
    ],
    limits: { ...QUICK_LIMITS, ...limits },
    scaling: DEFAULT_SCALING,
    outbound: [],
  };
}
