/**
 * What all container functions of a node share: the daemon, the node's name, its networks, and the order in which
 * things go: what a process of before has left is removed before this one makes anything.
 */

import { describeThrown } from "../../model/errors.ts";
import { orAborted } from "../../model/or-aborted.ts";
import type { BlobReader, Clock, GuestLog, Log } from "../../model/ports.ts";
import { Container } from "./container.ts";
import { type ContainerPlan, toCreateOptions } from "./container-options.ts";
import { createContainer } from "./containers.ts";
import { type AskOptions, Docker } from "./docker.ts";
import { forgetOldImages } from "./image-store.ts";
import { removeLeftovers, toContainerName } from "./leftovers.ts";
import { Networks, type Reach } from "./networks.ts";
import type { NodeId } from "./node-id.ts";
import { Remover } from "./remover.ts";
import { Shared } from "./shared.ts";
import { startCancelled } from "./start-failed.ts";

/** What a node works with. */
export interface ContainerNodeParts {
  /** As in `DOCKER_HOST`. */
  readonly dockerHost?: string | undefined;
  readonly nodeId: NodeId;
  readonly blobs: BlobReader;
  readonly clock: Clock;
  readonly log: Log;
  /** Takes what containers of a function print. */
  onBackgroundLog(functionName: string): GuestLog;
  /** Some hexadecimal digits, different for each process. */
  readonly bootId: string;
}

/** What a container is planned with; the rest is the node's. */
export type ContainerWish = Omit<ContainerPlan, "name" | "nodeId" | "network" | "machineCpus"> & {
  readonly reach: Reach | "nothing";
};

/** The node, once it may be used. */
interface Opened {
  readonly nodeId: string;
  readonly networks: Networks;
}

/** One node and its Docker. */
export class ContainerNode implements AsyncDisposable {
  readonly docker: Docker;
  readonly parts: ContainerNodeParts;
  readonly #remover: Remover;
  readonly #opened = new Shared(() => this.#open());
  #isUsed = false;
  #count = 0;

  constructor(parts: ContainerNodeParts) {
    const { clock, log } = parts;
    this.parts = parts;
    this.docker = new Docker({ host: parts.dockerHost, clock });
    this.#remover = new Remover({ docker: this.docker, clock, log });
  }

  /** The node's name, once nothing of before is left. @throws {NebulaError} NEBULA_START_FAILED when Docker is away. */
  async open(ask: Pick<AskOptions, "signal"> = {}): Promise<Opened> {
    this.#isUsed = true;
    return await this.#opened.get(ask);
  }

  /** Looks for what was left, where this node has ever had a container. Never rejects. */
  async cleanUp(): Promise<void> {
    if ((await this.parts.nodeId.find()) === undefined) return;
    try {
      await this.open();
    } catch (thrown) {
      // because whoever needs Docker is told then
      const reason = describeThrown(thrown);
      this.parts.log.write("warn", "containers of before not looked for", { reason });
    }
  }

  /** Makes a container that does not run yet. @throws {NebulaError} NEBULA_START_FAILED. */
  async create({ reach, ...wish }: ContainerWish, { signal }: { signal: AbortSignal }): Promise<Container> {
    const { docker } = this;
    const { bootId, clock, onBackgroundLog } = this.parts;
    const { nodeId, networks } = await this.open({ signal });
    const { cpus: machineCpus } = await docker.getMachine({ signal });
    const network = reach === "nothing" ? "none" : await networks.ensure(reach, { signal });
    this.#count += 1;
    const name = toContainerName({ nodeId, bootId }, this.#count);
    // Not cancelled, or Docker might make one that nobody knows of.
    const making = createContainer(docker, toCreateOptions({ ...wish, name, nodeId, network, machineCpus }));
    try {
      const id = await orAborted(making, signal, startCancelled);
      return new Container(id, { docker, clock, remover: this.#remover, log: onBackgroundLog(wish.spec.name) });
    } catch (thrown) {
      // because one that could not be made needs no removal
      making.then((id) => this.#remover.remove(id)).catch(() => {});
      throw thrown;
    }
  }

  /** Docker says that something is not there: a network may have been removed by somebody. */
  async forget(): Promise<void> {
    const { networks } = await this.open();
    networks.forget();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isUsed) await this.#removeAll();
    await this.#remover[Symbol.asyncDispose]();
    await this.docker[Symbol.asyncDispose]();
  }

  async #open(): Promise<Opened> {
    const { docker } = this;
    const { log, bootId, blobs, clock } = this.parts;
    const nodeId = await this.parts.nodeId.ensure();
    await removeLeftovers({ docker, remover: this.#remover, log, nodeId, bootId });
    // because nobody has to wait for it, and the next start does it again
    forgetOldImages({ docker, blobs, clock, log, nodeId }).catch(() => {});
    return { nodeId, networks: new Networks({ docker, nodeId }) };
  }

  async #removeAll(): Promise<void> {
    const { docker } = this;
    const { log } = this.parts;
    try {
      const { nodeId } = await this.open();
      await removeLeftovers({ docker, remover: this.#remover, log, nodeId, bootId: undefined });
    } catch (thrown) {
      const reason = describeThrown(thrown);
      log.write("warn", "containers not removed", { reason, until: "the node's next start" });
    }
  }
}
