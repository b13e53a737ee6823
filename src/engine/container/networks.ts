/**
 * The two networks of a node, made when the first container needs one.
 *
 *     inside    containers reach nothing beyond it; the host asks them at their own addresses
 *     outside   for functions with `outbound = ["*"]`: behind the host's address, to everywhere
 *
 * In neither do containers see each other, and in neither is a port of theirs published.
 */

import { NODE_LABEL } from "./container-options.ts";
import { createNetwork, listNetworks, removeNetwork } from "./containers.ts";
import type { Docker } from "./docker.ts";
import { Shared } from "./shared.ts";

/** What a container may reach. */
export type Reach = "inside" | "outside";

/** The networks of one node. */
export class Networks {
  readonly #docker: Docker;
  readonly #nodeId: string;
  readonly #ids = { inside: new Shared(() => this.#open("inside")), outside: new Shared(() => this.#open("outside")) };

  constructor({ docker, nodeId }: { docker: Docker; nodeId: string }) {
    this.#docker = docker;
    this.#nodeId = nodeId;
  }

  /** The id of a network, which is there. @throws {NebulaError} NEBULA_START_FAILED. */
  async ensure(reach: Reach, options: { signal: AbortSignal }): Promise<string> {
    return await this.#ids[reach].get(options);
  }

  /** Forgets them: Docker says that one is not there. */
  forget(): void {
    for (const id of Object.values(this.#ids)) id.forget();
  }

  /** Removes those of this node. */
  async remove(): Promise<void> {
    this.forget();
    const found = await listNetworks(this.#docker, `${NODE_LABEL}=${this.#nodeId}`);
    const ours = found.filter(({ name }) => name.startsWith(`nebula-${this.#nodeId}-`));
    await Promise.all(ours.map(({ id }) => removeNetwork(this.#docker, id)));
  }

  async #open(reach: Reach): Promise<string> {
    const name = `nebula-${this.#nodeId}-${reach}`;
    const labels = { [NODE_LABEL]: this.#nodeId };
    const found = await listNetworks(this.#docker, `${NODE_LABEL}=${this.#nodeId}`);
    const before = found.find((each) => each.name === name);
    return before?.id ?? (await createNetwork(this.#docker, { name, isInternal: reach === "inside", labels }));
  }
}
