/**
 * Arguments that mean the same in every command that has them.
 */

import { join, resolve } from "node:path";
import type { Args } from "./args.ts";

/** Which folder. */
export const DIR_ARG = {
  dir: { type: "positional", default: ".", summary: "The project's folder" },
} as const satisfies Args;

/** Which `[env.NAME]`. */
export const ENV_ARG = {
  env: { type: "text", value: "name", summary: "Use [env.<name>] of the configuration" },
} as const satisfies Args;

/** Where a node keeps its state. */
export const STATE_ARG = {
  stateDir: {
    type: "text",
    value: "folder",
    env: "NEBULA_STATE_DIR",
    summary: "Where the node keeps its state (default .nebula in the project's folder)",
  },
} as const satisfies Args;

/** Variables that lead to a node elsewhere. */
export const NODE_ENV: Readonly<Record<string, string>> = {
  NEBULA_CONTROL_URL: "the node's control URL, before what its state says",
  NEBULA_TOKEN: "the token of its control API, before what its state says",
};

const STATE_DIR_NAME = ".nebula";
const DEV_DIR_NAME = "dev";

/** What decides where the state is. */
export interface StateDirOptions {
  /** As given; `undefined`: in the project's folder. */
  readonly stateDir: string | undefined;
  readonly cwd: string;
  /** Absolute. */
  readonly projectDir: string;
}

/** The absolute folder of the state of `serve`. */
export function toStateDir({ stateDir, cwd, projectDir }: StateDirOptions): string {
  return stateDir === undefined ? join(projectDir, STATE_DIR_NAME) : resolve(cwd, stateDir);
}

/** That of `dev`, inside it, so that neither disturbs the other. */
export function toDevStateDir(options: StateDirOptions): string {
  return join(toStateDir(options), DEV_DIR_NAME);
}

/** Where a running node may have left word, `serve` before `dev`. */
export function listStateDirs(options: { stateDir: string | undefined; cwd: string }): string[] {
  const all = { ...options, projectDir: options.cwd };
  return [toStateDir(all), toDevStateDir(all)];
}
