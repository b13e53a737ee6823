/**
 * Imports point left: the rings of docs/architecture.md, and the fences around what talks to the outside.
 */

import { isBuiltin } from "node:module";
import { describe, expect, test } from "vitest";
import { findTarget, listFiles, readSources, type Source } from "./sources.ts";

/** From left to right. What stands in one ring does not see its neighbours; a ring in brackets is one unit. */
const RINGS: readonly (readonly (string | readonly string[])[])[] = [
  ["model"],
  ["wasm", "frames", "env"],
  ["config", "artifacts", "registry", "router", "bindings", "telemetry", "build", "engine", "energy", "backup"],
  [["invoke.ts", "deploy.ts", "live-function.ts", "services.ts", "migrate.ts", "backup-state.ts"]],
  ["http", "client", "experiment"],
  [["host.ts", "engines.ts", "storages.ts", "snapshots.ts"]],
  ["cli"],
  ["main.ts"],
];

/** Where a package or a built-in module that reaches outside may be imported. What is not listed may be nowhere. */
const FENCES: Readonly<Record<string, readonly string[]>> = {
  "@balena/dockerignore": ["src/engine/container/build-context.ts"],
  "@hono/node-server": ["src/host.ts"],
  chokidar: ["src/cli/"],
  "componentize-qjs": ["src/build/componentize/tool.ts"],
  dockerode: ["src/engine/container/docker.ts"],
  "drizzle-orm": ["src/registry/"],
  esbuild: ["src/build/esbuild.ts"],
  hono: ["src/http/"],
  "jsonc-parser": ["src/config/jsonc.ts"],
  "lru-cache": ["src/bindings/cache/", "src/bindings/kv/read-cache.ts"],
  mrmime: ["src/build/assets/content-type.ts"],
  semver: ["src/build/plugins/npm-imports.ts"],
  "smol-toml": ["src/config/toml.ts"],
  "web-streams-polyfill": ["src/build/componentize/prelude/streams.ts"],
  "tar-stream": ["src/backup/"],
  undici: ["src/bindings/outbound.ts"],

  "node:child_process": [
    "src/bindings/storage/storage-process.ts",
    "src/build/exec.ts",
    "src/engine/guest/",
    "src/engine/wasi/addon/",
  ],
  "node:dns": ["src/bindings/outbound.ts"],
  "node:fs": [
    "src/backup/read-backup.ts",
    "src/bindings/d1/main.storage.ts",
    "src/bindings/storage/copy.storage.ts",
    "src/bindings/storage/database.storage.ts",
    "src/config/",
    "src/engine/container/",
    "src/engine/guest/",
    "src/registry/",
    "src/client/",
    "src/cli/",
  ],
  "node:fs/promises": [
    "src/artifacts/",
    "src/backup/",
    "src/backup-state.ts",
    "src/bindings/storage/copies.ts",
    "src/bindings/d1/databases.ts",
    "src/bindings/storage/storage.ts",
    "src/build/",
    "src/config/",
    "src/host.ts",
    "src/engines.ts",
    "src/snapshots.ts",
    "src/client/",
    "src/cli/",
    "src/engine/container/",
    "src/engine/wasi/addon/",
    "src/engine/wasi/kept-code.ts",
    "src/engine/wasi/state-store.ts",
    "src/telemetry/host-meter.ts",
  ],
  "node:http": ["src/engine/container/", "src/http/", "src/host.ts", "src/client/", "src/cli/"],
  "node:https": ["src/client/patient-fetch.ts"],
  "node:net": [
    "src/bindings/outbound.ts",
    "src/bindings/storage/",
    "src/engine/container/",
    "src/engine/guest/",
    "src/engine/wasi/bootstrap.guest.ts",
    "src/http/",
  ],
  "node:os": ["src/build/steps/componentize.ts", "src/build/wasm-tool.ts", "src/engines.ts", "src/storages.ts"],
  "node:sqlite": ["src/bindings/", "src/registry/"],
  "node:vm": ["src/engine/guest/modules.guest.ts"],
};

/** Built-in modules that reach nothing outside the process. */
const HARMLESS = new Set(
  "async_hooks buffer console crypto diagnostics_channel events module path stream stream/promises stream/web timers"
    .concat(" timers/promises url util zlib")
    .split(" ")
    .map((name) => `node:${name}`),
);

const sources = readSources("src");
const arrows = sources.flatMap((source) => source.imports.map((specifier) => ({ source, specifier })));

describe("rings", () => {
  test("every file of src/ stands in a ring", () => {
    expect(sources.filter(({ path }) => findPlace(path) === undefined).map(({ path }) => path)).toEqual([]);
  });

  test("imports point left, and parts never import parts", () => {
    const wrong = arrows.filter(({ source, specifier }) => {
      const target = findTarget(source, specifier);
      if (target === undefined) return false;
      const from = findPlace(source.path);
      const to = findPlace(target);
      if (from === undefined || to === undefined) return !target.startsWith("src/") && target !== "package.json";
      return from.unit !== to.unit && to.ring >= from.ring;
    });
    expect(wrong.map(describeArrow)).toEqual([]);
  });

  test("guests import nothing of src/", () => {
    const guests = ["routes", "functions"].flatMap(readSources);
    const wrong = guests.flatMap((source) =>
      source.imports.filter((specifier) => findTarget(source, specifier)?.startsWith("src/")),
    );
    expect(wrong).toEqual([]);
  });

  test("files that run inside a guest import only each other, model/, env/, the frames and the protocol", () => {
    const allowed =
      /\.guest\.ts$|^src\/model\/|^src\/(?:wasm|frames|env)\/|^src\/engine\/(?:guest|wasi)\/protocol\.ts$/;
    const wrong = arrows.filter(({ source, specifier }) => {
      if (!source.path.endsWith(".guest.ts")) return false;
      const target = findTarget(source, specifier);
      return target === undefined ? !isBuiltin(specifier) : !allowed.test(target);
    });
    expect(wrong.map(describeArrow)).toEqual([]);
  });

  test("files that run inside a storage process import only each other, model/, the frames and a protocol", () => {
    const allowed = /\.storage\.ts$|^src\/(?:model|frames)\/|^src\/bindings\/\w+\/protocol\.ts$/;
    const wrong = arrows.filter(({ source, specifier }) => {
      if (!source.path.endsWith(".storage.ts")) return false;
      const target = findTarget(source, specifier);
      return target === undefined ? !isBuiltin(specifier) : !allowed.test(target);
    });
    expect(wrong.map(describeArrow)).toEqual([]);
  });

  test.each([".guest.ts", ".storage.ts"])("nothing but files named *%s imports one", (suffix) => {
    const wrong = arrows.filter(({ source, specifier }) => specifier.endsWith(suffix) && !source.path.endsWith(suffix));
    expect(wrong.map(describeArrow)).toEqual([]);
  });

  test("no file imports itself by way of others", () => {
    expect(findCycle(sources)).toEqual([]);
  });
});

describe("fences", () => {
  test("packages and built-in modules that reach outside are imported where they belong", () => {
    const wrong = arrows.filter(({ source, specifier }) => {
      if (specifier.startsWith(".") || HARMLESS.has(specifier)) return false;
      const name = isBuiltin(specifier) ? specifier : toPackage(specifier);
      const fences = FENCES[name] ?? [];
      return !fences.some((place) => (place.endsWith("/") ? source.path.startsWith(place) : source.path === place));
    });
    expect(wrong.map(describeArrow)).toEqual([]);
  });

  test("a package of the command line is imported in one file of it", () => {
    const files = arrows.filter(({ specifier }) => specifier === "chokidar").map(({ source }) => source.path);
    expect(new Set(files).size).toBeLessThanOrEqual(1);
  });

  test("there are no barrels", () => {
    const wholesale = sources.filter(({ body }) => body.some(({ type }) => type === "ExportAllDeclaration"));
    expect(listFiles("src").filter((path) => path.endsWith("/index.ts"))).toEqual([]);
    expect(wholesale.map(({ path }) => path)).toEqual([]);
  });
});

/** Ring and unit of a file: `src/build/run.ts` → ring 1, unit `build`. */
function findPlace(path: string): { ring: number; unit: string } | undefined {
  const [folder, name = ""] = path.split("/");
  if (folder !== "src") return undefined;
  for (const [ring, units] of RINGS.entries()) {
    const unit = units.find((each) => (typeof each === "string" ? each === name : each.includes(name)));
    if (unit !== undefined) return { ring, unit: String(unit) };
  }
  return undefined;
}

/** `drizzle-orm/d1` → `drizzle-orm`, `@hono/node-server/x` → `@hono/node-server`. */
function toPackage(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

function describeArrow({ source, specifier }: { source: Source; specifier: string }): string {
  return `${source.path} → ${specifier}`;
}

/** The first cycle found, as the paths along it; empty when there is none. */
function findCycle(all: readonly Source[]): string[] {
  const targets = new Map(all.map((source) => [source.path, source.imports.map((each) => findTarget(source, each))]));
  const done = new Set<string>();
  const walk = (path: string, trail: readonly string[]): string[] => {
    const at = trail.indexOf(path);
    if (at >= 0) return [...trail.slice(at), path];
    if (done.has(path)) return [];
    for (const target of targets.get(path) ?? []) {
      const cycle = target === undefined ? [] : walk(target, [...trail, path]);
      if (cycle.length > 0) return cycle;
    }
    done.add(path);
    return [];
  };
  for (const { path } of all) {
    const cycle = walk(path, []);
    if (cycle.length > 0) return cycle;
  }
  return [];
}
