/**
 * What a container uses, as Docker tells it: where the host cannot read the control groups itself.
 */

import type { Usage } from "../engine.ts";
import type { Docker } from "./docker.ts";

/** One look; undefined when the container does not run, or Docker does not say. */
export async function findStats(docker: Docker, id: string): Promise<Usage | undefined> {
  try {
    const stats: unknown = await docker.ask("measure the container", (api) =>
      api.getContainer(id).stats({ stream: false, "one-shot": true }),
    );
    return toUsage(stats);
  } catch {
    // because a container that nobody can ask about uses what nobody knows
    return undefined;
  }
}

function toUsage(stats: unknown): Usage | undefined {
  const { cpu_stats: cpu, memory_stats: memory }: Record<string, unknown> = Object(stats);
  const cpuNs: unknown = Object(Object(cpu).cpu_usage).total_usage;
  const { usage, stats: more }: Record<string, unknown> = Object(memory);
  if (typeof cpuNs !== "number" || typeof usage !== "number") return undefined;
  const { total_inactive_file, inactive_file }: Record<string, unknown> = Object(more);
  const inactive = Number(total_inactive_file ?? inactive_file ?? 0);
  return { cpuMs: cpuNs / 1e6, memoryBytes: Math.max(0, usage - inactive) };
}
