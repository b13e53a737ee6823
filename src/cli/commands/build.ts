/**
 * `nebula build`: builds one project and shows what each step did. Deploys nothing, and needs no node.
 */

import { join, resolve } from "node:path";
import type { Built, StepTime } from "../../build/built.ts";
import { planBuild } from "../../build/plan.ts";
import { runBuild } from "../../build/run.ts";
import { openImageBuilder, openProver } from "../../engines.ts";
import type { Artifact } from "../../model/artifact.ts";
import type { Form } from "../../model/deployment.ts";
import { type Log, systemClock } from "../../model/ports.ts";
import { formatBytes, formatMs } from "../../model/units.ts";
import { defineCommand } from "../command.ts";
import { DIR_ARG, ENV_ARG, STATE_ARG, toStateDir } from "../common-args.ts";
import { reportFailures } from "../form-failures.ts";
import type { Printer } from "../print.ts";
import { readPlace, requireFolder } from "../projects.ts";
import { formatTable } from "../style.ts";
import { writeBuilt } from "../write-built.ts";

export default defineCommand({
  meta: {
    name: "build",
    about:
      "Builds the project in a folder as a deployment would, and shows what each step did, how long it took and what it " +
      "was worth. Deploys nothing.",
    examples: [{ line: "nebula build functions/hello --out dist", summary: "and write what comes out into dist/" }],
  },
  args: {
    ...DIR_ARG,
    ...ENV_ARG,
    ...STATE_ARG,
    out: { type: "text", value: "folder", summary: "Write the forms and a manifest.json into a folder" },
  },
  async run({ args, io, print, signal }) {
    const dir = resolve(io.cwd, args.dir);
    await requireFolder(dir);
    const { project, warnings } = await readPlace({ dir, isRoot: false }, args.env);
    print.warn(warnings);
    const stateDir = toStateDir({ stateDir: args.stateDir, cwd: io.cwd, projectDir: dir });
    const addonDir = join(stateDir, "addon");
    await using prover = openProver({ stateDir, addonDir, clock: systemClock, log: toTalk(print) });
    await using images = openImageBuilder({ clock: systemClock });
    const built = await runBuild(planBuild(project), {
      signal,
      cacheDir: join(stateDir, "cache"),
      prove: prover.prove,
      images,
      env: io.env,
      onOutput: (text) => print.talk(text.trimEnd()),
    });
    print.warn(built.warnings);
    const { spec } = project;
    reportFailures(print, spec.name, built.failures);
    const files = args.out === undefined ? [] : await writeBuilt(resolve(io.cwd, args.out), { spec, built });
    const { forms, assets, steps } = built;
    const value = { name: spec.name, steps, forms, ...(assets && { assets }), files };
    print.result(value, formatBuilt(spec.name, { built, out: args.out, count: files.length }));
    return 0;
  },
});

/** Programs under proof may fail as they like; what concerns this machine is worth a line. */
function toTalk({ talk, style }: Printer): Log {
  return {
    write: (level, message) => {
      if (level === "warn" || level === "error") talk(style.dim(message));
    },
  };
}

interface Shown {
  readonly built: Built;
  readonly out: string | undefined;
  /** Files written. */
  readonly count: number;
}

function formatBuilt(name: string, { built, out, count }: Shown): string {
  const { forms, assets, steps } = built;
  const assetCount = Object.keys(assets?.files ?? {}).length;
  const rows = [
    ...steps.map(({ step, ms, note = "" }: StepTime) => [step, formatMs(ms), note]),
    ...forms.map(toFormRow),
    ...(assets ? [["assets", "", formatCount(assetCount, "file")]] : []),
    ...(out === undefined ? [] : [["written", "", `${formatCount(count, "file")} in ${out}`]]),
  ];
  return `${name} built\n${formatTable(rows, { indent: "  " })}`;
}

function formatCount(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function toFormRow(form: Form): string[] {
  if ("failure" in form) return [form.engine, "", "failed"];
  const { artifact } = form;
  const main = artifact.kind === "image" ? artifact.archive : artifact.main;
  return [form.engine, main === undefined ? "" : formatBytes(main.bytes), describeArtifact(artifact)];
}

function describeArtifact(artifact: Artifact): string {
  if (artifact.kind === "image") {
    const { archive, image, platform = "" } = artifact;
    return archive === undefined ? `image, ${image}` : `image, ${image.slice(0, "sha256:".length + 12)}, ${platform}`;
  }
  const { kind, main } = artifact;
  const count = kind === "js" ? artifact.modules.length : Object.keys(artifact.files).length;
  const beside = count === 0 ? "" : `, ${formatCount(count, kind === "js" ? "module" : "file")} beside it`;
  return `${kind}, ${main.digest.slice(0, "sha256:".length + 12)}${beside}`;
}
