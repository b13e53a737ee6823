/**
 * Wrangler's keys that Nebula honours.
 *
 * Names, types and inheritance are facts of wrangler 4.164.0 (its `config-schema.json` and its checks of environments);
 * what Nebula does with them is ours.
 * @see https://developers.cloudflare.com/workers/wrangler/configuration/
 */

import { DEFAULT_LIMITS } from "../model/function.ts";
import { toField, toHonoured, toKey, toQuiet, toRefused } from "./key.ts";
import type { Keys } from "./schema.ts";
import {
  ANYTHING,
  BINDING,
  FLAG,
  TEXT,
  TEXTS,
  toCount,
  toEither,
  toList,
  toMap,
  toRequired,
  toTable,
  toWord,
} from "./shape.ts";

const ROUTE = toEither(
  TEXT,
  toTable({
    pattern: toRequired(TEXT, toHonoured("The route pattern, or the host name of a custom domain.")),
    custom_domain: toField(FLAG, toHonoured("All paths of the host lead to the function.")),
    enabled: toField(FLAG, toHonoured("`false` leaves the custom domain out.")),
    zone_id: toField(TEXT, toQuiet("a node has no zones")),
    zone_name: toField(TEXT, toQuiet("a node has no zones")),
    previews_enabled: toField(FLAG, toQuiet("a node has no preview addresses")),
  }),
);

const ASSETS = toTable({
  directory: toField(TEXT, toHonoured("The folder of static files, relative to the configuration file.")),
  binding: toField(BINDING, toHonoured("The name in `env` under which a function fetches its static files.")),
  html_handling: toField(
    toWord("auto-trailing-slash", "force-trailing-slash", "drop-trailing-slash", "none"),
    toHonoured("Which URL a page answers at; `auto-trailing-slash` unless given."),
  ),
  not_found_handling: toField(
    toWord("single-page-application", "404-page", "none"),
    toHonoured("What answers when no file does; `none` unless given."),
  ),
  run_worker_first: toField(
    toEither(FLAG, TEXTS),
    toHonoured("`true`, or patterns of paths that go to the function before any file; at most 100."),
  ),
  base_path: toField(TEXT, toRefused("static files are served from the root of the host", "/")),
});

const RULE = toTable({
  type: toRequired(
    toWord("ESModule", "CommonJS", "CompiledWasm", "Text", "Data", "PythonModule", "PythonRequirement"),
    toHonoured("What the files become; the two Python types are refused: there is no Python engine."),
  ),
  globs: toRequired(TEXTS, toHonoured("Which files, as glob patterns.")),
  fallthrough: toField(FLAG, toHonoured("Whether later rules of the same type count too; `false` unless given.")),
});

const BUILD = toTable({
  command: toField(TEXT, toHonoured("A shell command that runs before the function is bundled.")),
  cwd: toField(TEXT, toHonoured("The folder in which it runs; that of the configuration file unless given.")),
  watch_dir: toField(
    toEither(TEXT, TEXTS),
    toHonoured("Folders whose changes run the command again; `./src` unless given."),
  ),
});

const LIMITS = toTable({
  cpu_ms: toField(
    toCount(1, 300_000),
    toHonoured(`Processor time of one invocation in milliseconds; ${DEFAULT_LIMITS.cpuMs} unless given.`),
  ),
  subrequests: toField(
    toCount(1, 10_000_000),
    toHonoured(`Calls of one invocation to bindings and the network; ${DEFAULT_LIMITS.subrequests} unless given.`),
  ),
});

/** Wrangler's keys that have their effect here. */
export const HONOURED_KEYS: Keys = {
  name: toKey(
    "inherited",
    TEXT,
    toHonoured(
      "The name of the function, a DNS label; the name of the folder unless given. `[env.NAME]` without one of its own appends `-NAME`.",
    ),
  ),
  main: toKey(
    "inherited",
    TEXT,
    toHonoured(
      "The entry file. Without it and without `assets`: the first of `index`, `src/index` and `main` with `.ts`, `.tsx`, `.js`, `.jsx` or `.mjs`, then `index.wasm` and `main.wasm`; a folder without any of them may have a `Dockerfile`.",
    ),
  ),
  compatibility_date: toKey(
    "inherited",
    TEXT,
    toHonoured("The date, YYYY-MM-DD, whose behaviour the function expects."),
  ),
  compatibility_flags: toKey("inherited", TEXTS, toHonoured("Behaviour switched on or off by name.")),
  route: toKey(
    "inherited",
    ROUTE,
    toHonoured("One route. In `[env.NAME]`, `route` or `routes` replaces both of the top level."),
  ),
  routes: toKey("inherited", toList(ROUTE), toHonoured("Host and path patterns that lead to the function.")),
  vars: toKey("own", toMap(ANYTHING), toHonoured("Values in `env`: strings, or anything that JSON can carry.")),
  define: toKey("own", toMap(TEXT), toHonoured("Identifiers that the bundler replaces by an expression.")),
  alias: toKey("top", toMap(TEXT), toHonoured("Import specifiers that the bundler replaces by others.")),
  build: toKey("inherited", BUILD, toHonoured("A build step of the project's own.")),
  rules: toKey("inherited", toList(RULE), toHonoured("Which imported files become which kind of module.")),
  no_bundle: toKey("inherited", FLAG, toHonoured("`true` takes the entry file as it is.")),
  minify: toKey("inherited", FLAG, toHonoured("`true` makes the bundle small; `false` unless given.")),
  keep_names: toKey("inherited", FLAG, toHonoured("Keeps the names of functions and classes; `true` unless given.")),
  tsconfig: toKey("inherited", TEXT, toHonoured("The TypeScript configuration that the bundler reads.")),
  jsx_factory: toKey("inherited", TEXT, toHonoured("What makes a JSX element; `React.createElement` unless given.")),
  jsx_fragment: toKey("inherited", TEXT, toHonoured("What makes a JSX fragment; `React.Fragment` unless given.")),
  limits: toKey("inherited", LIMITS, toHonoured("Ceilings on one invocation. More stand under `[nebula.limits]`.")),
  assets: toKey("inherited", ASSETS, toHonoured("Static files. Without `main` the project is static files alone.")),
};
