/**
 * One look at a node, put together from what its parts know.
 */

import type { Engine } from "../engine/engine.ts";
import type { Pool } from "../engine/pool.ts";
import type { LiveFunction } from "../live-function.ts";
import { ENGINE_NAMES, type EngineName } from "../model/function.ts";
import type { Clock } from "../model/ports.ts";
import { type FormTop, type FunctionTop, NO_INSTANCES, type SharedTop, type Top } from "../model/top.ts";
import type { Router } from "../router/router.ts";
import type { HostMeter } from "../telemetry/host-meter.ts";
import type { Metrics } from "../telemetry/metrics.ts";

/** Whom a look asks. */
export interface TopParts {
  readonly version: string;
  readonly router: Router<LiveFunction>;
  readonly engines: Readonly<Partial<Record<EngineName, Engine>>>;
  readonly metrics: Metrics;
  readonly hostMeter: HostMeter;
  readonly clock: Clock;
}

/** Looks at everything that serves. */
export async function readTop(parts: TopParts): Promise<Top> {
  const { version, router, hostMeter, clock } = parts;
  const entries = [...router.entries.values()].sort((a, b) => a.name.localeCompare(b.name));
  const [node, functions, shared] = await Promise.all([
    hostMeter.read(),
    Promise.all(entries.map(({ name, target }) => readFunction(name, target, parts))),
    readShared(parts),
  ]);
  return { atMs: clock.nowMs(), node: { version, ...node }, functions, shared };
}

async function readFunction(name: string, live: LiveFunction, { metrics, clock }: TopParts): Promise<FunctionTop> {
  const forms = listForms(live).map(async ({ engine, pool }): Promise<FormTop> => {
    const usage = await orNothing(pool?.findUsage());
    return {
      engine,
      instances: pool?.status ?? NO_INSTANCES,
      ...(usage !== undefined && { usage }),
      requests: metrics.read(name, engine, clock.nowMs()),
    };
  });
  return { name, deployment: live.deployment.id, forms: await Promise.all(forms) };
}

/** What a function has instances in, and its static files. */
function listForms({ chain, assets }: LiveFunction): { engine: EngineName | "assets"; pool: Pool | undefined }[] {
  const forms = [...(chain?.forms ?? [])];
  return assets === undefined ? forms : [...forms, { engine: "assets", pool: undefined }];
}

async function readShared({ engines }: TopParts): Promise<SharedTop[]> {
  const rows = ENGINE_NAMES.map(async (engine) => {
    const usage = await orNothing(engines[engine]?.findUsage?.());
    // because an engine tells of nothing as long as none of its processes runs
    return usage === undefined || usage.memoryBytes === 0 ? [] : [{ engine, usage }];
  });
  return (await Promise.all(rows)).flat();
}

/** An engine that cannot tell for now, as when Docker is down, must not keep the others from telling. */
async function orNothing<T>(told: Promise<T | undefined> | undefined): Promise<T | undefined> {
  try {
    return await told;
  } catch {
    // because the engine itself says so where it matters: at the next request
    return undefined;
  }
}
