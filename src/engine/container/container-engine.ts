/**
 * The container engine: any image, kept running, frozen or stopped.
 *
 *     prepare   have the image, check it, start it once to see that it starts
 *     start     thaw a container that rests, or start a stopped one, or make one
 *     fetch     HTTP; or one container for each request, by its standard streams
 *
 * Docker may come and go: whoever needs it while it is away learns so, and everybody else is left alone.
 */

import type { ImageArtifact } from "../../model/artifact.ts";
import type { Runnable } from "../../model/deployment.ts";
import { NebulaError, retell } from "../../model/errors.ts";
import type { Engine } from "../engine.ts";
import { ContainerNode, type ContainerNodeParts } from "./container-node.ts";
import { toSettings } from "./container-options.ts";
import { ServerFunction } from "./server-function.ts";
import { StdioFunction } from "./stdio-function.ts";

/** Makes the engine. Docker is not asked before there is something to do, or something of before to clean up. */
export function createContainerEngine(parts: ContainerNodeParts): Engine {
  const node = new ContainerNode(parts);
  void node.cleanUp();
  return {
    runs: ["image"],
    supports: { streaming: true, concurrency: true, cpuLimit: false, upgrade: true },
    prepare: async (deployment, { signal, isProven }) => {
      const { spec } = deployment;
      const artifact = getArtifact(deployment);
      const isServer = toSettings(spec).interface === "http";
      const prepared = new (isServer ? ServerFunction : StdioFunction)(node, { spec, artifact });
      // One that was here before comes back without Docker, which may come up later than the node.
      if (isProven) return prepared;
      try {
        await prepared.ensure({ signal });
        await prepared.tryOut({ signal });
        return prepared;
      } catch (thrown) {
        await prepared[Symbol.asyncDispose]();
        throw toRefusal(thrown, spec.name);
      }
    },
    [Symbol.asyncDispose]: () => node[Symbol.asyncDispose](),
  };
}

/** Docker's own words do not say whose they are about. */
function toRefusal(thrown: unknown, name: string): NebulaError {
  return retell(thrown, {
    code: "NEBULA_PREPARE_FAILED",
    toMessage: (message) => (message.startsWith("Cannot ") ? message : `Cannot prepare "${name}": ${message}`),
    details: { function: name },
  });
}

function getArtifact({ artifact, spec }: Runnable): ImageArtifact {
  if (artifact.kind === "image") return artifact;
  throw new NebulaError("NEBULA_PREPARE_FAILED", `Cannot prepare "${spec.name}": it has no image`);
}
