/**
 * The image of one deployment: had and checked when it is first wanted, and again when Docker has lost it.
 */

import type { ImageArtifact } from "../../model/artifact.ts";
import type { FunctionSpec } from "../../model/function.ts";
import type { ContainerNode } from "./container-node.ts";
import { toSettings } from "./container-options.ts";
import { findTrouble } from "./docker-error.ts";
import { checkImage, type ImageFacts } from "./image-facts.ts";
import { ensureImage } from "./image-store.ts";
import { Shared } from "./shared.ts";

/** Whose image it is. */
export interface FunctionImageParts {
  readonly spec: FunctionSpec;
  readonly artifact: ImageArtifact;
}

/** One image and what it says of itself. Disposed, it is waited for no longer. */
export class FunctionImage implements Disposable {
  readonly #node: ContainerNode;
  readonly #parts: FunctionImageParts;
  readonly #closing = new AbortController();
  readonly #facts = new Shared(() => this.#ensure());

  constructor(node: ContainerNode, parts: FunctionImageParts) {
    this.#node = node;
    this.#parts = parts;
  }

  /** Makes sure that it is here. @throws {NebulaError} when it cannot run here. */
  async ensure(options: { signal: AbortSignal }): Promise<ImageFacts> {
    return await this.#facts.get(options);
  }

  /** Does what needs it, and once more when Docker says that something is not there: somebody has removed it, or the network. */
  async use<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (thrown) {
      if (findTrouble(thrown) !== "missing") throw thrown;
      this.#facts.forget();
      await this.#node.forget();
      return await work();
    }
  }

  [Symbol.dispose](): void {
    this.#closing.abort();
  }

  async #ensure(): Promise<ImageFacts> {
    const { docker, parts } = this.#node;
    const { spec, artifact } = this.#parts;
    const { name } = spec;
    const { signal } = this.#closing;
    const { nodeId } = await this.#node.open({ signal });
    const facts = await ensureImage({ ...parts, docker, nodeId }, { artifact, name, signal });
    checkImage(facts, { name, settings: toSettings(spec), machine: await docker.getMachine({ signal }) });
    return facts;
  }
}
