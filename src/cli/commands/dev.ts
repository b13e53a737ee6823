/**
 * `nebula dev`: as `serve`, on a state of its own, and what changes is built and deployed again at once.
 */

import { join, resolve } from "node:path";
import { createEsbuild } from "../../build/esbuild.ts";
import { createClient } from "../../client/client.ts";
import { openImageBuilder } from "../../engines.ts";
import { openHost } from "../../host.ts";
import { systemClock } from "../../model/ports.ts";
import { defineCommand } from "../command.ts";
import { toDevStateDir } from "../common-args.ts";
import { DevSession } from "../dev-session.ts";
import { HOST_ARGS, HOST_ENV, toHostSettings } from "../host-args.ts";
import { requireFolder } from "../projects.ts";
import { printReady } from "../ready.ts";
import { printLayers, untilAborted } from "../serving.ts";
import { openWatcher } from "../watch.ts";

export default defineCommand({
  meta: {
    name: "dev",
    about:
      "Serves the project in a folder and its functions, and deploys again what changes: sources, static files, " +
      "configuration, folders that come and go. A mistake keeps the old version serving and is shown with its place. " +
      "Errors of functions are answered in full. Its state is the folder dev inside that of serve.",
    examples: [{ line: "nebula dev", summary: "this folder" }],
    env: HOST_ENV,
  },
  args: HOST_ARGS,
  async run({ args, io, print, signal }) {
    const dir = resolve(io.cwd, args.dir);
    await requireFolder(dir);
    const stateDir = toDevStateDir({ stateDir: args.stateDir, cwd: io.cwd, projectDir: dir });
    const settings = toHostSettings(args, { io, stateDir, isDevelopment: true });
    using _log = settings.log;
    await using host = await openHost(settings);
    signal.throwIfAborted();
    printLayers(print, host.layers);
    const client = createClient(host);
    await using esbuild = createEsbuild();
    const cacheDir = join(stateDir, "cache");
    await using images = openImageBuilder({ clock: systemClock });
    await using session = new DevSession({ dir, client, esbuild, images, cacheDir, env: args.env, print, signal });
    const outcomes = await session.deployAll();
    await using watcher = await openWatcher({
      onChange: (paths) => session.onChange(paths),
      onProblem: (folder, problem) => print.talk(`cannot watch "${folder}": ${String(problem)}`),
      ignored: [stateDir],
    });
    await session.follow(watcher);
    printReady(print, { ...host, functions: await client.listFunctions({ signal }), outcomes });
    await untilAborted(signal);
    print.talk("draining");
    return 0;
  },
});
