/**
 * `nebula config check`: every problem of a folder's configurations at once, and the settings that count. Needs no node.
 */

import { resolve } from "node:path";
import { type Diagnostic, NebulaError } from "../../model/errors.ts";
import { type ChainSettings, type ContainerSettings, DEFAULT_CHAIN, DEFAULT_CONTAINER } from "../../model/function.ts";
import { formatBytes, formatMs } from "../../model/units.ts";
import { usageError } from "../args.ts";
import { defineCommand } from "../command.ts";
import { DIR_ARG, ENV_ARG } from "../common-args.ts";
import { toShownPath } from "../excerpt.ts";
import { toLimitRows } from "../limits-table.ts";
import { findProjects, nameTaken, type ProjectPlace, type ReadProject, readPlace } from "../projects.ts";
import { formatTable } from "../style.ts";

export default defineCommand({
  meta: {
    name: "config check",
    about:
      "Reads the configuration of the project in a folder and of each function in its functions/, tells of every problem " +
      "at once, and shows the settings that count, defaults too.",
    examples: [{ line: "nebula config check --env staging", summary: "as [env.staging] says" }],
  },
  args: { ...DIR_ARG, ...ENV_ARG },
  async run({ args, io, print }) {
    const dir = resolve(io.cwd, args.dir);
    const places = await findProjects(dir);
    if (places.length === 0) {
      throw usageError(`Cannot check "${args.dir}": there is no project`, "Write a wrangler.toml or an index.ts");
    }
    const { projects, failures } = await readAll(places, args.env);
    const warnings = projects.flatMap((one) => one.warnings);
    if (failures.length > 0) throw toFailure(failures, { warnings, count: places.length });
    print.warn(warnings);
    const value = projects.map(({ project, warnings }) => ({
      dir: project.dir,
      ...(project.configFile !== undefined && { file: project.configFile }),
      spec: project.spec,
      warnings,
    }));
    print.result({ projects: value }, projects.map((one) => formatProject(one, io.cwd)).join("\n\n"));
    return 0;
  },
});

interface Checked {
  readonly projects: readonly ReadProject[];
  readonly failures: readonly NebulaError[];
}

async function readAll(places: readonly ProjectPlace[], env: string | undefined): Promise<Checked> {
  const projects: ReadProject[] = [];
  const failures: NebulaError[] = [];
  const names = new Map<string, ProjectPlace>();
  for (const place of places) {
    try {
      const read = await readPlace(place, env);
      const { name } = read.project.spec;
      const other = names.get(name);
      if (other !== undefined) throw nameTaken(name, { own: read.project, other });
      names.set(name, place);
      projects.push(read);
    } catch (thrown) {
      if (!(thrown instanceof NebulaError) || thrown.code !== "NEBULA_CONFIG_INVALID") throw thrown;
      failures.push(thrown);
    }
  }
  return { projects, failures };
}

/** One failure for all of them; one alone stays what it is. */
function toFailure(
  failures: readonly NebulaError[],
  { warnings, count }: { warnings: readonly Diagnostic[]; count: number },
): NebulaError {
  const diagnostics = [...failures.flatMap((failure) => failure.diagnostics), ...warnings];
  const errors = diagnostics.filter(({ severity }) => severity === "error").length;
  const what = `${failures.length} of ${count} configurations, ${errors} ${errors === 1 ? "error" : "errors"}`;
  return new NebulaError("NEBULA_CONFIG_INVALID", `Cannot use this project: ${what}`, {
    details: { errors, warnings: diagnostics.length - errors },
    diagnostics,
  });
}

function formatProject({ project }: ReadProject, cwd: string): string {
  const { spec, main, entries, image, assetsDir, configFile } = project;
  const rows = [
    ["file", configFile === undefined ? "none" : toShownPath(configFile, cwd)],
    ["main", main === undefined ? "none" : toShownPath(main, cwd)],
    ...Object.entries(entries ?? {}).map(([engine, path]) => [`form of ${engine}`, toShownPath(path, cwd)]),
    ...(image ? [["image", "reference" in image ? image.reference : toShownPath(image.dockerfile, cwd)]] : []),
    ...(assetsDir === undefined ? [] : [["assets", toShownPath(assetsDir, cwd)]]),
    ["engines", spec.engines.join(", ")],
    ...(spec.runtime ? [["runtime", spec.runtime]] : []),
    ["compatibility", [spec.compatibility.date, ...spec.compatibility.flags].join(" ")],
    ["routes", spec.routes.join(" ") || "none"],
    ["bindings", spec.bindings.map(({ name, type }) => `${name} (${type})`).join(", ") || "none"],
    ["outbound", spec.outbound.join(" ") || "none: fetch reaches nothing"],
    ...(spec.engines.length > 1 ? [["strategy", describeChain(spec.chain ?? DEFAULT_CHAIN)]] : []),
    ...(image ? describeContainer(spec.container ?? DEFAULT_CONTAINER) : []),
    ...toLimitRows(spec),
  ];
  return `${spec.name} ok\n${formatTable(rows, { indent: "  " })}`;
}

function describeChain({ strategy, isIdempotent, weaker }: ChainSettings): string {
  const words = [strategy, ...(isIdempotent ? ["idempotent"] : [])];
  return [...words, ...weaker.map((engine) => `${engine} allowed though weaker`)].join(", ");
}

function describeContainer(settings: ContainerSettings): string[][] {
  const { interface: asked, port, probe, args, user, cpus, pids, tmpBytes, stopMs, removeMs } = settings;
  const shownPort = port === undefined ? "the image's port" : `port ${port}`;
  const how =
    asked === "stdio" ? "stdio, one container for each request" : `http, ${shownPort}, probe ${probe ?? "none"}`;
  return [
    ["container", `${how}, user ${user ?? "the image's"}${args ? `, ${args.length} arguments` : ""}`],
    ["", `${cpus} processors, ${pids} processes, ${formatBytes(tmpBytes)} for /tmp and /run`],
    ["", `stopped after ${formatMs(stopMs)} frozen, removed after ${formatMs(removeMs)} stopped`],
  ];
}
