/**
 * What a node that died has left in Docker: containers and networks with its own name, and nothing else ever.
 *
 * A label may come from an image, which is a stranger's; the name of a container cannot. Both must be the node's.
 */

import type { Log } from "../../model/ports.ts";
import { NODE_LABEL } from "./container-options.ts";
import { listContainers } from "./containers.ts";
import type { AskOptions, Docker } from "./docker.ts";
import { Networks } from "./networks.ts";
import type { Remover } from "./remover.ts";

/** Whose, and who has come after it. */
export interface LeftoverParts {
  readonly docker: Docker;
  readonly remover: Remover;
  readonly log: Log;
  readonly nodeId: string;
  /** Part of the names of containers that this process has made, and that stay; undefined: nothing stays. */
  readonly bootId: string | undefined;
}

/** `nebula-1a2b3c4d5e6f-a1b2c3-7`: node, process, number. */
export function toContainerName({ nodeId, bootId }: { nodeId: string; bootId: string }, count: number): string {
  return `nebula-${nodeId}-${bootId}-${count}`;
}

/** Removes what processes of this node have left behind that are gone. @throws {NebulaError} when Docker is away. */
export async function removeLeftovers(parts: LeftoverParts, ask: AskOptions = {}): Promise<void> {
  const { docker, remover, log, nodeId, bootId } = parts;
  const found = await listContainers(docker, `${NODE_LABEL}=${nodeId}`, ask);
  const isOurs = (name: string) => name.startsWith(`nebula-${nodeId}-`);
  const stays = (name: string) => bootId !== undefined && name.startsWith(`nebula-${nodeId}-${bootId}-`);
  const left = found.filter(({ name }) => isOurs(name) && !stays(name));
  if (left.length > 0 && bootId !== undefined)
    log.write("info", "removing containers of before", { count: left.length });
  await Promise.all(left.map(({ id }) => remover.remove(id)));
  if (!found.some(({ name }) => stays(name))) await new Networks({ docker, nodeId }).remove();
}
