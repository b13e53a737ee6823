/**
 * Which types service bindings lead to: where the other function is a project beside this one, its own module says.
 */

import { readFile } from "node:fs/promises";
import { basename, dirname, relative, sep } from "node:path";
import type { Project } from "../../model/function.ts";
import { findProjects, readPlace, toFunctionsDir } from "../projects.ts";

/** By the name of a service binding, the type of its entry point, as seen from a file in `outDir`. */
export async function findEntrypoints({ dir, spec }: Project, outDir: string): Promise<Record<string, string>> {
  const services = spec.bindings.filter((each) => each.type === "service");
  if (services.length === 0) return {};
  const modules = await findModules(dir);
  return Object.fromEntries(
    services.flatMap(({ name, service, entrypoint = "default" }) => {
      const path = modules.get(service);
      if (path === undefined) return [];
      return [[name, `Entrypoint<typeof import(${JSON.stringify(toSpecifier(outDir, path))}), "${entrypoint}">`]];
    }),
  );
}

/** By name of the function, its entry, where TypeScript knows what it exports. */
async function findModules(dir: string): Promise<ReadonlyMap<string, string>> {
  const above = dirname(dirname(dir));
  const roots = [dir, ...(toFunctionsDir(above) === dirname(dir) ? [above] : [])];
  const places = (await Promise.all(roots.map((root) => findProjects(root)))).flat();
  const found = await Promise.all(
    places.map(async (place) => {
      // because one that cannot be read says so when it is deployed, and is none of ours
      const read = await readPlace(place, undefined).catch(() => undefined);
      const main = read?.project.main;
      const isModule = main !== undefined && /\.tsx?$/.test(main) && /^export\b/m.test(await readFile(main, "utf8"));
      return isModule ? [[read?.project.spec.name ?? basename(place.dir), main] as const] : [];
    }),
  );
  return new Map(found.flat());
}

function toSpecifier(outDir: string, path: string): string {
  const specifier = relative(outDir, path).split(sep).join("/");
  return specifier.startsWith("../") ? specifier : `./${specifier}`;
}
