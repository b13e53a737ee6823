/**
 * `nebula serve`: starts a node, deploys the project in a folder and its functions to it, and serves until told to stop.
 */

import { join, resolve } from "node:path";
import { createEsbuild } from "../../build/esbuild.ts";
import { mapConcurrently } from "../../build/map-concurrently.ts";
import type { Prove } from "../../build/prove.ts";
import { type Client, createClient } from "../../client/client.ts";
import { openImageBuilder } from "../../engines.ts";
import { type HostSettings, openHost, openNodeProver } from "../../host.ts";
import { systemClock } from "../../model/ports.ts";
import { defineCommand } from "../command.ts";
import { toStateDir } from "../common-args.ts";
import { Deployable, type Outcome } from "../deployable.ts";
import { HOST_ARGS, HOST_ENV, toHostSettings } from "../host-args.ts";
import type { Printer } from "../print.ts";
import { findProjects, type ProjectPlace, requireFolder } from "../projects.ts";
import { printReady } from "../ready.ts";
import { BUILDS_AT_ONCE, printLayers, untilAborted } from "../serving.ts";

export default defineCommand({
  meta: {
    name: "serve",
    about:
      "Starts a node, builds and deploys the project in a folder and every folder of its functions/, and serves them " +
      "until it is told to stop. What was deployed before serves on. Ends when everything in flight has been answered.",
    examples: [
      { line: "nebula serve", summary: "this folder" },
      { line: "nebula serve shop --port 0 --control-port 0", summary: "another folder, any free ports" },
    ],
    env: HOST_ENV,
  },
  args: {
    ...HOST_ARGS,
    noDeploy: { type: "flag", summary: "Serve what was deployed before and build nothing" },
  },
  async run({ args, io, print, signal }) {
    const dir = resolve(io.cwd, args.dir);
    await requireFolder(dir);
    const places = args.noDeploy ? [] : await findProjects(dir);
    const stateDir = toStateDir({ stateDir: args.stateDir, cwd: io.cwd, projectDir: dir });
    const settings = toHostSettings(args, { io, stateDir, isDevelopment: false });
    using _log = settings.log;
    await using host = await openHost(settings);
    signal.throwIfAborted();
    printLayers(print, host.layers);
    const client = createClient(host);
    const cacheDir = join(stateDir, "cache");
    const options = { client, cacheDir, env: args.env, print, told: new Map<string, string>(), signal };
    const outcomes = await deployAll(places, { ...options, imagePatienceMs: IMAGE_PATIENCE_MS });
    printReady(print, { ...host, functions: await client.listFunctions({ signal }), outcomes });
    const improvable = places.filter((_, i) => outcomes[i]?.hasWasm || outcomes[i]?.isUnfinished);
    const improving = improve(improvable, options, settings).catch((thrown) => signal.aborted || print.report(thrown));
    await untilAborted(signal);
    await improving;
    print.talk("draining");
    await host.drain();
    return 0;
  },
});

/** How long an image may take before its function serves in its other forms. One that Docker knows takes less. */
const IMAGE_PATIENCE_MS = 3_000;

interface DeployAllOptions {
  readonly client: Client;
  readonly cacheDir: string;
  readonly env: string | undefined;
  readonly print: Printer;
  readonly told: Map<string, string>;
  readonly signal: AbortSignal;
}

/** Deploys every project once; nothing of the build is left running. */
async function deployAll(
  places: readonly ProjectPlace[],
  { signal, ...options }: DeployAllOptions & { readonly prove?: Prove; readonly imagePatienceMs?: number },
): Promise<readonly Outcome[]> {
  await using esbuild = createEsbuild();
  await using images = openImageBuilder({ clock: systemClock });
  const parts = { ...options, esbuild, images, names: new Map<string, ProjectPlace>() };
  return await mapConcurrently(places, BUILDS_AT_ONCE, async (place) => {
    await using deployable = new Deployable(place, parts);
    return await deployable.deploy({ signal });
  });
}

/**
 * Builds again with every step that may make a program faster, and with the images that nobody waited for, once
 * everything serves: that takes seconds for each, and is remembered. What comes out takes over as any deployment does.
 */
async function improve(
  places: readonly ProjectPlace[],
  options: DeployAllOptions,
  settings: HostSettings,
): Promise<void> {
  await using prover = openNodeProver(settings);
  for (const place of places) await deployAll([place], { ...options, prove: prover.prove });
}
