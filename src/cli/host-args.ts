/**
 * Arguments of the commands that start a node, and the settings that they make.
 */

import type { HostSettings } from "../host.ts";
import { type Log, type LogLevel, systemClock } from "../model/ports.ts";
import { createLog } from "../telemetry/log.ts";
import { type Args, type ArgValues, usageError } from "./args.ts";
import { DIR_ARG, ENV_ARG, STATE_ARG } from "./common-args.ts";
import type { CliIo } from "./io.ts";

const PORT = { type: "number", min: 0, max: 65_535 } as const;

/** What `serve` and `dev` both take. */
export const HOST_ARGS = {
  ...DIR_ARG,
  host: {
    type: "text",
    value: "address",
    default: "127.0.0.1",
    env: "NEBULA_HOST",
    summary: "The address to listen at",
  },
  port: { ...PORT, default: 8787, env: "NEBULA_DATA_PORT", summary: "The port of the functions; 0: any that is free" },
  controlPort: {
    ...PORT,
    default: 8788,
    env: "NEBULA_CONTROL_PORT",
    summary: "The port of the control API; 0: any that is free",
  },
  ...STATE_ARG,
  ...ENV_ARG,
} as const satisfies Args;

/** Variables that both know and no flag stands for. */
export const HOST_ENV: Readonly<Record<string, string>> = {
  NEBULA_LOG_LEVEL: "debug, info (the default), warn or error",
};

const LOG_LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/** What the arguments do not say. */
export interface HostSettingsOptions {
  readonly io: CliIo;
  /** Absolute. */
  readonly stateDir: string;
  readonly isDevelopment: boolean;
}

/**
 * Settings of a host. Its log goes to stderr: short lines for a person, JSON otherwise.
 *
 * @throws {NebulaError} NEBULA_USAGE when the log level is none.
 */
export function toHostSettings(
  { host, port, controlPort }: Pick<ArgValues<typeof HOST_ARGS>, "host" | "port" | "controlPort">,
  { io, stateDir, isDevelopment }: HostSettingsOptions,
): HostSettings & { log: Log & Disposable } {
  const format = io.isTty ? "pretty" : "json";
  return {
    stateDir,
    hostname: host,
    dataPort: port,
    controlPort,
    isDevelopment,
    log: createLog({ stream: io.stderr, format, level: readLogLevel(io.env.NEBULA_LOG_LEVEL), clock: systemClock }),
  };
}

function readLogLevel(text: string | undefined): LogLevel {
  if (!text) return "info";
  const level = LOG_LEVELS.find((one) => one === text);
  if (level !== undefined) return level;
  throw usageError(`Cannot read "NEBULA_LOG_LEVEL": "${text}" is none of ${LOG_LEVELS.join(", ")}`);
}
