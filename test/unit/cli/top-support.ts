/**
 * Looks at a node that never was.
 */

import type { EngineName } from "../../../src/model/function.ts";
import type { FormTop, Top, UsageTop } from "../../../src/model/top.ts";

export interface FormChange {
  readonly engine?: EngineName | "assets";
  readonly instances?: Partial<FormTop["instances"]>;
  readonly usage?: UsageTop;
  readonly starts?: Partial<FormTop["requests"]["starts"]>;
  readonly errors?: Partial<FormTop["requests"]["errors"]>;
  readonly perSecond?: number;
  readonly phases?: FormTop["requests"]["phases"];
}

export function toForm(change: FormChange = {}): FormTop {
  const { engine = "isolate", instances, usage, starts, errors, perSecond = 0, phases = {} } = change;
  return {
    engine,
    instances: { starting: 0, idle: 0, busy: 0, frozen: 0, stopped: 0, inFlight: 0, waiting: 0, ...instances },
    ...(usage && { usage }),
    requests: {
      count: 0,
      errors: { caller: 0, owner: 0, host: 0, ...errors },
      starts: { cold: 0, warm: 0, thaw: 0, ...starts },
      bytesIn: 0,
      bytesOut: 0,
      perSecond: { last1s: perSecond, last10s: perSecond, last60s: perSecond },
      phases,
    },
  };
}

export function toTop(functions: Readonly<Record<string, readonly FormChange[]>>, change: Partial<Top> = {}): Top {
  return {
    atMs: 0,
    node: { version: "1.2.3", uptimeMs: 7_980_000, cpuMs: 0, memoryBytes: 183 * 2 ** 20 },
    functions: Object.entries(functions).map(([name, forms]) => ({
      name,
      deployment: "d_1",
      forms: forms.map(toForm),
    })),
    shared: [],
    ...change,
  };
}
