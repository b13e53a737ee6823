/**
 * The isolate engine: a JavaScript function in a guest process of its own.
 *
 *     prepare   read the bundle from the artifacts, start it once to see that it starts
 *     start     take a blank process, send the code, wait until it is evaluated
 *     fetch     frames
 */

import type { JsArtifact } from "../../model/artifact.ts";
import type { Runnable } from "../../model/deployment.ts";
import { NebulaError } from "../../model/errors.ts";
import type { BlobReader, Capabilities, Clock, GuestLog } from "../../model/ports.ts";
import type { Engine, Prepared } from "../engine.ts";
import { type Tenant, toGuestError } from "../guest/invocations.ts";
import type { LoadHead } from "../guest/protocol.ts";
import { createStackMapper } from "../guest/stack-mapper.ts";
import type { Watchdog } from "../guest/watchdog.ts";
import { toPrepareFailed } from "../prepare-failed.ts";
import { Isolate } from "./isolate.ts";
import type { Nurseries } from "./nurseries.ts";

/** What the engine works with. */
export interface IsolateEngineParts {
  readonly nurseries: Nurseries;
  readonly watchdog: Watchdog;
  readonly blobs: BlobReader;
  readonly clock: Clock;
  /** Takes what functions write outside of any request, their top level above all. */
  onBackgroundLog(functionName: string): GuestLog;
}

/** Makes the engine. It owns the nurseries and the watchdog from then on. */
export function createIsolateEngine(parts: IsolateEngineParts): Engine {
  return {
    runs: ["js"],
    supports: { streaming: true, concurrency: true, cpuLimit: true, upgrade: false },
    prepare: async (deployment, { signal, capabilities, isProven }) => {
      const prepared = await prepare(deployment, { parts, capabilities });
      if (isProven) return prepared;
      try {
        await using _trial = await prepared.start({ signal });
      } catch (thrown) {
        throw toPrepareFailed(thrown);
      }
      return prepared;
    },
    [Symbol.asyncDispose]: async () => {
      await parts.nurseries[Symbol.asyncDispose]();
      parts.watchdog[Symbol.dispose]();
    },
  };
}

async function prepare(
  deployment: Runnable,
  { parts, capabilities }: { parts: IsolateEngineParts; capabilities: Capabilities },
): Promise<Prepared> {
  const { spec } = deployment;
  const artifact = getArtifact(deployment);
  const { blobs } = parts;
  const files = await Promise.all([artifact.main, ...artifact.modules].map((file) => blobs.read(file.digest)));
  const code = Buffer.concat(files);
  const head: LoadHead = {
    op: "load",
    name: spec.name,
    style: artifact.style,
    modules: [artifact.main, ...artifact.modules].map(({ name, kind, bytes }) => ({ name, kind, bytes })),
    compatibility: spec.compatibility,
    bindings: spec.bindings,
    logBytes: spec.limits.logBytes,
  };
  const mapDigest = artifact.sourceMap?.digest;
  const mapStack = createStackMapper(artifact.main.name, async () =>
    mapDigest === undefined ? undefined : await blobs.read(mapDigest),
  );
  const tenant: Tenant = {
    spec,
    capabilities,
    mapStack,
    toError: (error, failure) => toGuestError(error, failure, { spec, mapStack }),
  };
  return {
    start: async ({ signal }) => {
      const nursery = await parts.nurseries.get(spec.runtime ?? "node");
      const guest = await nursery.take(spec.limits.memoryBytes, signal);
      const { watchdog, clock } = parts;
      const onBackgroundLog = parts.onBackgroundLog(spec.name);
      const isolate = new Isolate({ guest, tenant, watchdog, clock, onBackgroundLog });
      await isolate.load(head, { code, signal });
      return isolate;
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

function getArtifact({ artifact, spec }: Runnable): JsArtifact {
  if (artifact.kind === "js") return artifact;
  throw new NebulaError("NEBULA_PREPARE_FAILED", `Cannot prepare "${spec.name}": it has no JavaScript artifact`);
}
