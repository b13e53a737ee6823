/**
 * The keys of `[nebula.container]`: how a container is run, and what it may use.
 */

import { DEFAULT_CONTAINER } from "../model/function.ts";
import { formatBytes, GIB } from "../model/units.ts";
import { toField, toHonoured } from "./key.ts";
import { TEXT, TEXTS, toAmount, toCount, toEither, toSize, toTable } from "./shape.ts";

const DAY_MS = 86_400_000;

const FIELDS = {
  image: toField(
    TEXT,
    toHonoured("An image that the node pulls, `name@sha256:…`; unless given the `Dockerfile` is built."),
  ),
  port: toField(
    toCount(1, 65_535),
    toHonoured("The port that it serves on; the one that the image exposes unless given."),
  ),
  probe: toField(
    TEXT,
    toHonoured("A path that answers 2xx or 3xx once it is ready; it is when it accepts connections unless given."),
  ),
  args: toField(TEXTS, toHonoured("Arguments in place of the image's own (`CMD`).")),
  user: toField(
    toEither(TEXT, toCount(1, 999_999_999)),
    toHonoured('Who it runs as, in numbers: `"1000"`, `"1000:1000"`, never root; the image\'s user unless given.'),
  ),
  cpus: toField(
    toAmount(0.01, 1_024),
    toHonoured(`Processors that it may use at once, 0.5 is half of one; ${DEFAULT_CONTAINER.cpus} unless given.`),
  ),
  pids: toField(
    toCount(1, 32_768),
    toHonoured(`Processes and threads at the most; ${DEFAULT_CONTAINER.pids} unless given.`),
  ),
  tmp: toField(
    toSize(0, 64 * GIB),
    toHonoured(
      `\`/tmp\` and \`/run\` together, in memory, all that it can write to; ${formatBytes(DEFAULT_CONTAINER.tmpBytes)} unless given.`,
    ),
  ),
  stop_after_ms: toField(
    toCount(0, DAY_MS),
    toHonoured(`Frozen for so long it is stopped, in milliseconds; ${DEFAULT_CONTAINER.stopMs} unless given.`),
  ),
  remove_after_ms: toField(
    toCount(0, DAY_MS),
    toHonoured(`Stopped for so long it is removed, in milliseconds; ${DEFAULT_CONTAINER.removeMs} unless given.`),
  ),
};

/** Their names. */
export const CONTAINER_KEYS: readonly string[] = Object.keys(FIELDS);

/** The table itself. */
export const CONTAINER = toTable(FIELDS);
