/**
 * Broken configurations: for each the full list of what is said, `line:column severity message [hint]`.
 */

import { expect, test } from "vitest";
import { createProjectFolder, readDiagnostics, toLine } from "./project-folder.ts";

interface Case {
  readonly name: string;
  /** After a first line that sets a date. */
  readonly toml?: string;
  readonly json?: string;
  readonly env?: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly says: readonly string[];
}

const CASES: readonly Case[] = [
  // Syntax
  {
    name: "TOML that is none",
    toml: "name = ",
    says: ["2:8 error not valid TOML: invalid value"],
  },
  {
    name: "a TOML key that stands twice",
    toml: 'name = "a"\nname = "b"',
    says: ["3:1 error not valid TOML: trying to redefine an already defined table or value"],
  },
  {
    name: "JSON without a comma",
    json: '{\n  "name": "a"\n  "main": "index.ts"\n}',
    says: ["3:3 error not valid JSON: comma expected"],
  },
  {
    name: "JSON that ends too soon",
    json: '{ "name": "a",',
    says: ["1:15 error not valid JSON: property name expected"],
  },
  {
    name: "an empty JSON file",
    json: "",
    says: ["1:1 error not valid JSON: value expected"],
  },
  {
    name: "JSON that is a list",
    json: "// a list\n[]",
    says: ["2:1 error must be a table { … }, is array"],
  },
  {
    name: "JSON keys that stand twice",
    json: '{\n  "compatibility_date": "2026-01-01",\n  "vars": { "A": 1,\n    "A": 2 },\n  "vars": {}\n}',
    says: ['4:5 error "vars.A" stands twice in one table', '5:3 error "vars" stands twice in one table'],
  },
  {
    name: "values that lie too deep",
    toml: `vars.a = ${"[".repeat(70)}${"]".repeat(70)}`,
    says: ['2:73 error "vars.a[0]…" lies more than 64 levels deep'],
  },
  {
    name: "JSON of nothing but brackets",
    json: "[".repeat(200_000),
    says: ["1:65 error lies more than 64 levels deep"],
  },
  // Keys
  {
    name: "an unknown key that resembles a known one",
    toml: 'compatability_flags = ["a"]',
    says: ['2:1 warning "compatability_flags" is not a known key [did you mean "compatibility_flags"?]'],
  },
  {
    name: "an unknown key that resembles none",
    toml: "quux = 1",
    says: ['2:1 warning "quux" is not a known key'],
  },
  {
    name: "an unknown key in a known table",
    toml: '[build]\ncomand = "make"',
    says: ['3:1 warning "build.comand" is not a known key [did you mean "command"?]'],
  },
  {
    name: "a key of the top level that slid into a table",
    toml: '[build]\ncommand = "make"\nmain = "index.ts"',
    says: [
      '4:1 warning "build.main" is not a known key ["main" is a key of the top level: write it above the first [table]]',
    ],
  },
  {
    name: "an unknown key under [nebula]",
    toml: '[nebula]\nengine = ["isolate"]',
    says: ['3:1 error "nebula.engine" is not a known key [did you mean "engines"?]'],
  },
  {
    name: "an unknown key under [nebula.limits], dotted",
    toml: 'nebula.limits.memmory = "1 MiB"',
    says: ['2:15 error "nebula.limits.memmory" is not a known key [did you mean "memory"?]'],
  },
  {
    name: "wrangler's limits under [nebula.limits]",
    toml: "[nebula.limits]\ncpu_ms = 50",
    says: ['3:1 error "nebula.limits.cpu_ms" is not a known key ["cpu_ms" stands under [limits]]'],
  },
  {
    name: "Nebula's keys at the top level and in wrangler's limits",
    toml: 'engines = ["wasi"]\n[limits]\nmemory = "1 GiB"',
    says: [
      '2:1 warning "engines" is not a known key ["engines" stands under [nebula]]',
      '4:1 warning "limits.memory" is not a known key ["memory" stands under [nebula.limits]]',
    ],
  },
  {
    name: "bindings that Nebula has not",
    toml: '[[r2_buckets]]\nbinding = "B"\n[[analytics_engine_datasets]]\nbinding = "DB"\n[ai]\nbinding = "AI"',
    says: [
      '2:3 error "r2_buckets" is refused: Nebula has no R2 buckets yet',
      '4:3 error "analytics_engine_datasets" is refused: Nebula has no Analytics Engine',
      '6:2 error "ai" is refused: Nebula has no AI models',
    ],
  },
  {
    name: "bindings that Nebula has not, in JSON",
    json: '{ "compatibility_date": "2026-01-01",\n  "r2_buckets": [{ "binding": "B" }] }',
    says: ['2:3 error "r2_buckets" is refused: Nebula has no R2 buckets yet'],
  },
  {
    name: "what was replaced",
    toml: 'legacy_env = false\nnode_compat = true\n[site]\nbucket = "public"',
    says: [
      '2:1 error "legacy_env" is refused: each environment is a function of its own, "<name>-<environment>": leave it out',
      '3:1 error "node_compat" is refused: it was replaced by the flag "nodejs_compat"',
      '4:2 error "site" is refused: it was replaced by "assets": write "[assets] directory"',
    ],
  },
  {
    name: "what has no effect",
    toml: 'logpush = true\n[triggers]\ncrons = ["* * * * *"]\n[observability]\nenabled = true\nhead_sampling_rate = 0.5',
    says: [
      '2:1 warning "logpush" has no effect: logs stay on the node',
      '4:1 warning "triggers.crons" has no effect: the "scheduled" handler is not called; requests are served',
      '7:1 warning "observability.head_sampling_rate" has no effect: there is no sampling',
    ],
  },
  {
    name: "a wrong value of what has no effect anyway",
    toml: 'workers_dev = "yes"',
    says: ['2:15 warning "workers_dev" must be true or false, is "yes"'],
  },
  // Types
  {
    name: "a number for a name",
    toml: "name = 7",
    says: ['2:8 error "name" must be a string, is 7'],
  },
  {
    name: "a string for a list",
    toml: 'compatibility_flags = "nodejs_compat"',
    says: ['2:23 error "compatibility_flags" must be a list, each a string, is "nodejs_compat" [put it in [ ]]'],
  },
  {
    name: "a number inside a list",
    toml: 'compatibility_flags = ["a",\n  7]',
    says: ['3:3 error "compatibility_flags[1]" must be a string, is 7'],
  },
  {
    name: "a quoted flag and a quoted number",
    toml: 'minify = "true"\n[limits]\ncpu_ms = "50"',
    says: [
      '2:10 error "minify" must be true or false, is "true" [leave the quotes out]',
      '4:10 error "limits.cpu_ms" must be a whole number from 1 to 300000, is "50" [leave the quotes out]',
    ],
  },
  {
    name: "a list for a table, and a table for a string",
    toml: "build = []\nmain = { path = 'a' }",
    says: ['2:9 error "build" must be a table, is a list', '3:8 error "main" must be a string, is a table'],
  },
  {
    name: "null in JSON",
    json: '{ "compatibility_date": "2026-01-01", "name": null }',
    says: ['1:47 error "name" must be a string, is null'],
  },
  {
    name: "a word that is none of the known ones",
    toml: '[assets]\ndirectory = "public"\nhtml_handling = "auto-trailing-slsh"',
    files: { "public/": "" },
    says: [
      '4:17 error "assets.html_handling" must be one of "auto-trailing-slash", "force-trailing-slash", "drop-trailing-slash", "none", is "auto-trailing-slsh" [did you mean "auto-trailing-slash"?]',
    ],
  },
  {
    name: "a definition that is no string, and one that is no identifier",
    toml: '[define]\nA = 1\n"a-b" = "2"',
    says: [
      '3:5 error "define.A" must be a string, is 1',
      '4:1 error "define.a-b" must be an identifier, or identifiers with dots between them',
    ],
  },
  {
    name: "a rule without its parts",
    toml: '[[rules]]\ntype = "Text"\n[[rules]]\nglobs = ["**/*.md"]',
    says: ['2:1 error "rules[0]" has no "globs"', '4:1 error "rules[1]" has no "type"'],
  },
  {
    name: "a rule for Python, and one that is never used",
    toml: 'rules = [\n  { type = "Text", globs = ["*.a"] },\n  { type = "PythonModule", globs = ["*.py"] },\n  { type = "Text", globs = ["*.b"] },\n]',
    says: [
      '4:12 error "rules[1].type" is refused: there is no Python engine',
      '5:3 warning "rules[2]" is not used: "rules[0]" has no "fallthrough"',
    ],
  },
  // Names and dates
  {
    name: "a name with an underscore",
    toml: 'name = "my_shop"',
    says: [
      '2:8 error "name" is not a valid name: "my_shop" must be lower-case letters, digits and hyphens, at most 63, with no hyphen at either end [write "my-shop": the function answers at http://my-shop.localhost]',
    ],
  },
  {
    name: "a name that an environment makes too long",
    toml: `name = "${"a".repeat(60)}"\n[env.staging]`,
    env: "staging",
    says: [
      `3:6 error "env.staging" is not a valid name: "${"a".repeat(60)}-staging" must be lower-case letters, digits and hyphens, at most 63, with no hyphen at either end [write "${"a".repeat(60)}-st": the function answers at http://${"a".repeat(60)}-st.localhost]`,
    ],
  },
  {
    name: "a date that is a TOML date",
    json: "",
    toml: "",
    files: { "wrangler.toml": "compatibility_date = 2026-01-01" },
    says: ['1:22 error "compatibility_date" must be a string, is a date [put it in quotes]'],
  },
  {
    name: "a day that does not exist",
    files: { "wrangler.toml": 'compatibility_date = "2026-02-30"' },
    says: ['1:22 error "compatibility_date" must be a date, YYYY-MM-DD'],
  },
  {
    name: "a date in another form",
    files: { "wrangler.toml": 'compatibility_date = "1.2.2026"' },
    says: ['1:22 error "compatibility_date" must be a date, YYYY-MM-DD'],
  },
  {
    name: "a date that is not known yet",
    files: { "wrangler.toml": 'compatibility_date = "2031-01-01"' },
    says: ['1:22 warning "compatibility_date" is later than 2026-11-17, the newest date Nebula knows'],
  },
  {
    name: "no date",
    files: { "wrangler.toml": 'name = "a"' },
    says: ['1:1 warning has no "compatibility_date": 2026-11-17 is assumed [write compatibility_date = "2026-11-17"]'],
  },
  // Files
  {
    name: "an entry that is not there",
    toml: 'main = "src/indx.ts"',
    says: ['2:8 error "main" is "src/indx.ts": there is no such file'],
  },
  {
    name: "an entry that is a folder",
    toml: 'main = "src"',
    files: { "src/": "" },
    says: ['2:8 error "main" is "src": it is a folder, not a file'],
  },
  {
    name: "an entry in Python",
    toml: 'main = "main.py"',
    files: { "main.py": "" },
    says: ['2:8 error "main" is refused: there is no Python engine'],
  },
  {
    name: "static files, tsconfig and build folder that are not there",
    toml: 'tsconfig = "tsconfig.app.json"\n[assets]\ndirectory = "dist"\n[build]\ncwd = "app"',
    says: [
      '2:12 error "tsconfig" is "tsconfig.app.json": there is no such file',
      '4:13 error "assets.directory" is "dist": there is no such folder',
      '6:7 error "build.cwd" is "app": there is no such folder',
    ],
  },
  {
    name: "static files without a folder",
    toml: 'main = "index.ts"\n[assets]\nbinding = "ASSETS"',
    says: ['3:2 error "assets" has no "directory"'],
  },
  {
    name: "static files alone that ask a function",
    toml: 'assets = { directory = ".", binding = "ASSETS", run_worker_first = true }',
    says: [
      '2:29 error "assets.binding" needs a function: there is no "main"',
      '2:49 error "assets.run_worker_first" needs a function: there is no "main"',
    ],
  },
  {
    name: "static files that hold the source",
    toml: 'main = "index.ts"\nassets = { directory = "." }',
    says: [
      '3:24 warning "assets.directory" holds "main": the source would be served as a static file [keep static files in a folder of their own]',
    ],
  },
  {
    name: "patterns of run_worker_first",
    toml: 'main = "index.ts"\n[assets]\ndirectory = "public"\nrun_worker_first = ["!/a", "!b", "!/a"]',
    files: { "public/": "" },
    says: [
      '5:20 error "assets.run_worker_first" must hold one pattern at least that does not begin with "!"',
      '5:28 error "assets.run_worker_first[1]" must begin with "/" or "!/"',
      '5:34 error "assets.run_worker_first[2]" is the same as "assets.run_worker_first[0]"',
    ],
  },
  {
    name: "static files under a base path",
    toml: 'main = "index.ts"\n[assets]\ndirectory = "public"\nbase_path = "/docs"',
    files: { "public/": "" },
    says: ['5:1 error "assets.base_path" is refused: static files are served from the root of the host'],
  },
  // Routes and hosts
  {
    name: "route patterns",
    toml: 'routes = [\n  "a.*.com/*",\n  "a.com/*.jpg",\n  { pattern = "a.com/?x", zone_name = "a.com" },\n  "ftp://a.com/",\n  "a.com/*",\n  "https://A.com/*",\n]',
    says: [
      '3:3 error "routes[0]" is not a valid route pattern: a * may stand at the start of the host only',
      '4:3 error "routes[1]" is not a valid route pattern: a * may stand at the end of the path only',
      '5:15 error "routes[2].pattern" is not a valid route pattern: a pattern has no query and no fragment',
      '6:3 error "routes[3]" is not a valid route pattern: the scheme may be http or https only',
      '8:3 warning "routes[5]" is the same as "routes[4]"',
    ],
  },
  {
    name: "a route pattern with a port, and one of all hosts without a path",
    toml: 'routes = ["localhost:8787/*", "*"]',
    says: [
      '2:11 error "routes[0]" is not a valid route pattern: it has a port [leave the port out: routes match on every port]',
      '2:31 error "routes[1]" is not a valid route pattern: the path is missing [write "*/*" for all paths]',
    ],
  },
  {
    name: "custom domains",
    toml: '[[routes]]\npattern = "a.com/*"\ncustom_domain = true\n[[routes]]\npattern = "*.a.com"\ncustom_domain = true\n[[routes]]\ncustom_domain = true',
    says: [
      '3:11 error "routes[0].pattern" is not a valid custom domain: a custom domain has no path',
      '6:11 error "routes[1].pattern" is not a valid custom domain: a custom domain has no *',
      '8:1 error "routes[2]" has no "pattern"',
    ],
  },
  {
    name: "route beside routes",
    toml: 'route = "a.com/*"\nroutes = ["b.com/*"]',
    says: ['2:1 error "route" excludes "routes": write one of them'],
  },
  {
    name: "hosts that fetch may reach",
    toml: 'nebula.outbound = [\n  "https://a.com",\n  "a.com/x",\n  "*",\n  "a.com:0",\n  "a..com",\n  "*.10.0.0.1",\n]',
    says: [
      '3:3 error "nebula.outbound[0]" is not a valid host: it has a scheme [write the host alone, with its port if need be]',
      '4:3 error "nebula.outbound[1]" is not a valid host: it has a path [write the host alone, with its port if need be]',
      '5:3 error "nebula.outbound[2]" is not a valid host: a * stands for whole labels [write hosts as *.example.com]',
      '6:3 error "nebula.outbound[3]" is not a valid host: the port must be from 1 to 65535',
      '7:3 error "nebula.outbound[4]" is not a valid host: the host is not valid',
      '8:3 error "nebula.outbound[5]" is not a valid host: an address takes no *',
    ],
  },
  // env
  {
    name: "names of variables",
    toml: '[vars]\nGOOD = "1"\n"my-key" = "2"\n__proto__ = "3"',
    says: [
      '4:1 error "vars.my-key" is not a valid name in env: it must be an identifier of letters, digits, _ and $',
      '5:1 error "vars.__proto__" is not a valid name in env: it must be an identifier of letters, digits, _ and $',
    ],
  },
  {
    name: "variables that JSON cannot carry",
    toml: "[vars]\nSINCE = 2026-01-01\nMANY = { of = [1, inf] }",
    says: [
      '3:9 error "vars.SINCE" is a date, which JSON cannot carry [put it in quotes]',
      '4:19 error "vars.MANY.of[1]" is a number that JSON cannot carry [put it in quotes]',
    ],
  },
  {
    name: "two bindings of one name, also refused ones",
    toml: 'main = "index.ts"\n[vars]\nFILES = "x"\n[assets]\ndirectory = "public"\nbinding = "FILES"\n[[queues.producers]]\nbinding = "FILES"',
    files: { "public/": "" },
    says: [
      '7:11 error "assets.binding" is "FILES", which "vars.FILES" is already',
      '8:3 error "queues" is refused: Nebula has no queues yet',
      '9:11 error "queues.producers[0].binding" is "FILES", which "vars.FILES" is already',
    ],
  },
  // Ranges
  {
    name: "limits out of range",
    toml: '[limits]\ncpu_ms = 0\nsubrequests = 1.5\n[nebula.limits]\nmemory = "8 MiB"\nheaders = 12\nwall_ms = 3600001\nlog = "much"',
    says: [
      '3:10 error "limits.cpu_ms" must be a whole number from 1 to 300000, is 0',
      '4:15 error "limits.subrequests" must be a whole number from 1 to 10000000, is 1.5',
      '6:10 error "nebula.limits.memory" must be a size from 16 MiB to 4 GiB, is "8 MiB"',
      '7:11 error "nebula.limits.headers" must be a size from 1 KiB to 128 KiB, is 12',
      '8:11 error "nebula.limits.wall_ms" must be a whole number from 1 to 3600000, is 3600001',
      '9:7 error "nebula.limits.log" must be a size from 0 B to 64 MiB, is "much"',
    ],
  },
  {
    name: "scaling out of range",
    toml: "[nebula.scaling]\nconcurrency = 10001\nmax_instances = 101\nmin_instances = -1",
    says: [
      '3:15 error "nebula.scaling.concurrency" must be a whole number from 1 to 10000, is 10001',
      '4:17 error "nebula.scaling.max_instances" must be a whole number from 1 to 100, is 101',
      '5:17 error "nebula.scaling.min_instances" must be a whole number from 0 to 100, is -1',
    ],
  },
  {
    name: "more instances at least than at most",
    toml: "[nebula.scaling]\nmin_instances = 5",
    says: [
      '3:17 error "nebula.scaling.min_instances" asks for 5 instances at least, and "max_instances" is 4, which it is unless given',
    ],
  },
  {
    name: "engines",
    toml: 'nebula.engines = ["isolate", "wasm", "isolate"]',
    says: [
      '2:30 error "nebula.engines[1]" must be one of "isolate", "wasi", "container", is "wasm" [did you mean "wasi"?]',
      '2:38 error "nebula.engines[2]" names "isolate" for a second time',
    ],
  },
  {
    name: "no engine at all",
    toml: "[nebula]\nengines = []",
    says: ['3:11 error "nebula.engines" must name one engine at least'],
  },
  // Environments
  {
    name: "an environment that is not there",
    toml: "[env.staging]\n[env.production]",
    env: "stagign",
    says: ['1:1 error there is no environment "stagign": known are "staging", "production" [did you mean "staging"?]'],
  },
  {
    name: "an environment where there are none",
    toml: "",
    env: "staging",
    says: ['1:1 error there is no environment "staging": there are none'],
  },
  {
    name: "environments that are no tables",
    toml: "env.staging = 1",
    says: ['2:15 error "env.staging" must be a table'],
  },
  {
    name: "an env that is no table",
    toml: "env = []",
    says: ['2:7 error "env" must be a table of environments'],
  },
  {
    name: "keys that an environment cannot have, lacks or does not know",
    toml: '[vars]\nA = 1\nB = 2\n[define]\nX = "1"\n[[kv_namespaces]]\nbinding = "KV"\n[env.staging]\nalias = {}\nmian = "x"\n[env.staging.vars]\nA = 3',
    env: "staging",
    says: [
      '5:2 warning "define" is not inherited by "env.staging" [repeat it under "env.staging"]',
      '7:3 warning "kv_namespaces" is not inherited by "env.staging" [repeat it under "env.staging"]',
      '10:1 warning "env.staging.alias" has no effect: it stands at the top level only',
      '11:1 warning "env.staging.mian" is not a known key [did you mean "main"?]',
      '12:14 warning "env.staging.vars" lacks "B" of the top level: it is not inherited',
    ],
  },
  {
    name: "mistakes in an environment, and in what it replaces",
    toml: "minify = 1\n[limits]\ncpu_ms = 0\n[env.staging]\nminify = 2\n[env.staging.nebula.scaling]\nmin_instances = 9",
    env: "staging",
    says: [
      '2:10 error "minify" must be true or false, is 1',
      '4:10 error "limits.cpu_ms" must be a whole number from 1 to 300000, is 0',
      '6:10 error "env.staging.minify" must be true or false, is 2',
      '8:17 error "env.staging.nebula.scaling.min_instances" asks for 9 instances at least, and "max_instances" is 4, which it is unless given',
    ],
  },
  {
    name: "a custom domain that an environment takes along",
    toml: 'routes = [{ pattern = "a.com", custom_domain = true }]\n[env.staging]',
    env: "staging",
    says: [
      '2:11 warning "routes[0]" is a custom domain that "env.staging" inherits, so that it moves there [write routes = [] under "env.staging" to leave it where it is]',
    ],
  },
  {
    name: "minify beside no_bundle",
    toml: "no_bundle = true\nminify = true",
    says: ['3:1 warning "minify" has no effect beside "no_bundle"'],
  },
];

for (const { name, toml, json, env, files, says } of CASES) {
  test(`readProject() tells every problem and its place: ${name}`, async () => {
    const config =
      json !== undefined && toml === undefined
        ? { "wrangler.jsonc": json }
        : { "wrangler.toml": `compatibility_date = "2026-01-01"\n${toml ?? ""}` };
    await using folder = await createProjectFolder({ "index.ts": "", ...config, ...files });
    const diagnostics = await readDiagnostics(folder.dir, env === undefined ? {} : { env });
    expect(diagnostics.map(toLine)).toEqual(says);
  });
}

test("readProject() gives the absolute file in every diagnostic", async () => {
  await using folder = await createProjectFolder({ "index.ts": "", "wrangler.toml": "quux = 1" });
  const files = new Set((await readDiagnostics(folder.dir)).map(({ file }) => file));
  expect([...files]).toEqual([`${folder.dir}/wrangler.toml`]);
});

test("readProject() never tells the value of a variable or of a refused binding", async () => {
  await using folder = await createProjectFolder({
    "index.ts": "",
    "wrangler.toml":
      '[vars]\n"a-b" = "hunter2"\nB = { c = "hunter2", d = nan }\n[[hyperdrive]]\nbinding = "H"\nid = 1\nlocalConnectionString = "hunter2"',
  });
  const said = (await readDiagnostics(folder.dir)).map(toLine).join("\n");
  expect(said).toContain("hyperdrive");
  expect(said).not.toContain("hunter2");
});
