/**
 * Two looks at a node become one that tells how much processor time went by between them.
 */

import type { Top, UsageTop } from "../../model/top.ts";

/** The later look, with `cpuRatio` wherever the earlier one had the same. */
export function compareLooks(top: Top, before: Top): Top {
  const elapsedMs = top.atMs - before.atMs;
  if (elapsedMs <= 0) return top;
  const compare = <U extends UsageTop>(usage: U, then: UsageTop | undefined): U => {
    if (then === undefined) return usage;
    // Less than before: an instance has ended and taken its time with it.
    return { ...usage, cpuRatio: Math.max(0, usage.cpuMs - then.cpuMs) / elapsedMs };
  };
  const forms = new Map<string, UsageTop>();
  for (const { name, forms: all } of before.functions) {
    for (const { engine, usage } of all) if (usage !== undefined) forms.set(`${name} ${engine}`, usage);
  }
  const shared = new Map(before.shared.map(({ engine, usage }) => [engine, usage]));
  return {
    ...top,
    node: compare(top.node, before.node),
    functions: top.functions.map((each) => ({
      ...each,
      forms: each.forms.map((form) =>
        form.usage === undefined
          ? form
          : { ...form, usage: compare(form.usage, forms.get(`${each.name} ${form.engine}`)) },
      ),
    })),
    shared: top.shared.map(({ engine, usage }) => ({ engine, usage: compare(usage, shared.get(engine)) })),
  };
}
