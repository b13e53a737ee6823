/**
 * Prepares one form of a function: afterwards it has a pool of instances, or the reason why not.
 */

import type { Deployment, Form } from "../../model/deployment.ts";
import { findErrno } from "../../model/errno.ts";
import { NebulaError, toNebulaError } from "../../model/errors.ts";
import type { EngineName } from "../../model/function.ts";
import type { Capabilities, Clock, Log } from "../../model/ports.ts";
import type { Engine, PrepareOptions } from "../engine.ts";
import { Pool } from "../pool.ts";
import type { LiveForm } from "./live-form.ts";

/** What forms are prepared with. */
export interface PrepareParts {
  readonly deployment: Deployment;
  /** By name, those that this node has. */
  readonly engines: Readonly<Partial<Record<EngineName, Engine>>>;
  readonly capabilities: Capabilities;
  readonly clock: Clock;
  readonly log: Log;
}

/** Never rejects: what went wrong is in `form.failure`. */
export async function prepareForm(
  form: LiveForm,
  built: Form,
  { parts, ...options }: Pick<PrepareOptions, "signal" | "isProven"> & { parts: PrepareParts },
): Promise<void> {
  const { deployment, engines, capabilities, clock, log } = parts;
  const { spec, forms: _, ...rest } = deployment;
  try {
    if ("failure" in built) throw new NebulaError("NEBULA_BUILD_FAILED", built.failure);
    const { artifact } = built;
    const engine = engines[form.engine];
    if (engine === undefined) throw failed(spec.name, `this node has no engine "${form.engine}"`);
    if (!engine.runs.includes(artifact.kind)) {
      throw failed(spec.name, `the engine "${form.engine}" does not run what was built (${artifact.kind})`);
    }
    const prepared = await engine.prepare({ ...rest, spec, artifact }, { ...options, capabilities });
    const { supports } = engine;
    form.failure = undefined;
    form.mayUpgrade = supports.upgrade;
    form.pool = new Pool({
      prepared,
      spec,
      isConcurrent: supports.concurrency,
      clock,
      log,
      onStarted: (kind, ms) => form.starts[kind].record(ms),
    });
  } catch (thrown) {
    form.failure = toNebulaError(thrown);
  }
}

/** `ENOENT`, `ECONNREFUSED`: what the operating system says no with, and not Node. */
const OF_SYSTEM = /^E(?!RR_)/;

/**
 * Whether what failed may go well later without anybody deploying again: something outside was missing or full, as
 * Docker that is not there or a disk without room. The function's own faults stay.
 */
export function mayPass(error: NebulaError): boolean {
  if (error.details.isTemporary === true) return true;
  for (let one: unknown = error; one instanceof Error; one = one.cause) {
    if (one instanceof NebulaError ? one.fault === "host" : OF_SYSTEM.test(findErrno(one) ?? "")) return true;
  }
  return false;
}

function failed(name: string, why: string): NebulaError {
  return new NebulaError("NEBULA_PREPARE_FAILED", `Cannot prepare "${name}": ${why}`);
}
