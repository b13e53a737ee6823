/**
 * A function that serves, as the control API tells it.
 */

import { explainChoice, explainForms, toFormStatus } from "../engine/chain/explain.ts";
import type { LiveFunction } from "../live-function.ts";
import type { Explanation, FormStatus, FunctionStatus, InstanceCounts } from "../model/control.ts";
import { DEFAULT_CHAIN } from "../model/function.ts";
import type { RouteEntry } from "../router/route-table.ts";

/** What it is, where it answers, and what it has running. */
export function toFunctionStatus({ name, routes, target }: RouteEntry<LiveFunction>, dataUrl: string): FunctionStatus {
  const { deployment, engine, chain } = target;
  const { id, digest, createdAtMs, spec } = deployment;
  const { port } = new URL(dataUrl);
  const forms = (chain?.forms ?? []).map(toFormStatus);
  return {
    name,
    deployment: { id, digest, createdAtMs },
    engine,
    urls: [`http://${name}.localhost:${port}/`, `${dataUrl}/fn/${name}/`],
    routes,
    instances: sumInstances(forms),
    forms,
    limits: spec.limits,
    scaling: spec.scaling,
  };
}

/** What would answer a request without a body now, and why. Nothing is asked or started. */
export function explain({ name, target }: RouteEntry<LiveFunction>, request: Explanation["request"]): Explanation {
  const { deployment, chain, assets } = target;
  const { method, path } = request;
  const asked = { head: { method, url: `http://${name}.localhost${path}`, headers: [] }, body: null };
  const shared = {
    name,
    deployment: deployment.id,
    strategy: (deployment.spec.chain ?? DEFAULT_CHAIN).strategy,
    request,
  };
  const choice = chain === undefined ? {} : explainChoice(chain, asked);
  const forms = chain === undefined ? [] : explainForms(chain, asked);
  if (assets === undefined || (chain !== undefined && !assets.answers(asked.head)))
    return { ...shared, ...choice, forms };
  const why = chain === undefined ? "it has static files alone" : "a static file answers this path";
  return { ...shared, answers: { engine: "assets", why }, forms };
}

function sumInstances(forms: readonly FormStatus[]): InstanceCounts {
  const sum = { starting: 0, idle: 0, busy: 0 };
  for (const { instances } of forms) {
    sum.starting += instances.starting;
    sum.idle += instances.idle;
    sum.busy += instances.busy;
  }
  return sum;
}
