/**
 * Wrangler's keys that have no effect here: about Cloudflare's platform, about deploying to it, or about its tools.
 *
 * Also keys that older wranglers knew, so that an old file is told what became of them.
 * @see https://developers.cloudflare.com/workers/wrangler/configuration/
 */

import { toAccepted, toField, toKey, toQuiet } from "./key.ts";
import type { Keys } from "./schema.ts";
import { ANYTHING, FLAG, NUMBER, TEXT, TEXTS, toEither, toList, toMap, toRequired, toTable, toWord } from "./shape.ts";

const ONE_PLACE = "a function runs on the node it is deployed to";
const EVERY_INVOCATION = "every invocation is logged in full on the node";
const NO_TRACES = "each response carries its phases in `Server-Timing`";

const LOGS = toTable({
  enabled: FLAG,
  head_sampling_rate: NUMBER,
  invocation_logs: FLAG,
  persist: FLAG,
  destinations: TEXTS,
});

const TRACES = toTable({ enabled: FLAG, head_sampling_rate: NUMBER, persist: FLAG, destinations: TEXTS });

const OBSERVABILITY = toTable({
  enabled: toField(FLAG, toQuiet(EVERY_INVOCATION)),
  head_sampling_rate: toField(NUMBER, toAccepted("there is no sampling")),
  redact_query_string: toField(FLAG, toQuiet("logs never hold query strings")),
  issues: toField(toTable({ enabled: FLAG }), toAccepted("errors are in the log of the node")),
  logs: toField(LOGS, toAccepted(EVERY_INVOCATION)),
  traces: toField(TRACES, toAccepted(NO_TRACES)),
});

const PLACEMENT = toTable({
  mode: toWord("off", "smart", "targeted"),
  hint: TEXT,
  region: TEXT,
  host: TEXT,
  hostname: TEXT,
});

const TRIGGERS = toTable({
  crons: toField(TEXTS, toAccepted("the `scheduled` handler is not called; requests are served")),
  events: toField(
    toList(
      toTable({
        type: toRequired(TEXT),
        filter: toTable({ namespace: TEXT, repo_name: TEXT }),
        targets: toRequired(toList(toTable({ type: toRequired(TEXT), workflow_name: toRequired(TEXT) }))),
      }),
    ),
    toAccepted("there are no events of Cloudflare's products"),
  ),
});

const MIGRATIONS = toList(
  toTable({
    tag: toRequired(TEXT),
    new_classes: TEXTS,
    new_sqlite_classes: TEXTS,
    renamed_classes: toList(toTable({ from: toRequired(TEXT), to: toRequired(TEXT) })),
    transferred_classes: toList(
      toTable({ from: toRequired(TEXT), from_script: toRequired(TEXT), to: toRequired(TEXT) }),
    ),
    deleted_classes: TEXTS,
  }),
);

const DEV = toTable({
  ip: TEXT,
  port: NUMBER,
  inspector_port: NUMBER,
  inspector_ip: TEXT,
  local_protocol: toWord("http", "https"),
  upstream_protocol: toWord("http", "https"),
  host: TEXT,
  enable_containers: FLAG,
  container_engine: toEither(
    TEXT,
    toTable({ localDocker: toTable({ socketPath: TEXT, containerEgressInterceptorImage: TEXT }) }),
  ),
  generate_types: FLAG,
});

const CLOUDCHAMBER = toTable({
  image: TEXT,
  location: TEXT,
  instance_type: TEXT,
  vcpu: NUMBER,
  memory: TEXT,
  ipv4: FLAG,
});

/** Wrangler's keys that have no effect here, with the reason. */
export const ACCEPTED_KEYS: Keys = {
  $schema: toKey("top", TEXT, toQuiet("for editors")),
  account_id: toKey("inherited", TEXT, toQuiet("a node has no accounts")),
  workers_dev: toKey("inherited", FLAG, toQuiet("every function answers at `<name>.localhost` and at `/fn/<name>/`")),
  preview_urls: toKey("inherited", FLAG, toQuiet("a node has no preview addresses")),
  previews: toKey("inherited", ANYTHING, toQuiet("a node has no preview addresses")),
  compliance_region: toKey("inherited", toWord("public", "fedramp_high"), toQuiet(ONE_PLACE)),
  first_party_worker: toKey("inherited", FLAG, toQuiet("for Cloudflare's own functions")),
  upload_source_maps: toKey("inherited", FLAG, toQuiet("source maps always come along")),
  preserve_file_names: toKey("inherited", FLAG, toQuiet("modules are named by their import and by their digest")),
  send_metrics: toKey("top", FLAG, toQuiet("Nebula sends none")),
  dependencies_instrumentation: toKey(
    "top",
    toTable({ enabled: toRequired(FLAG), exclude_packages: TEXTS }),
    toQuiet("Nebula sends none"),
  ),
  keep_vars: toKey("top", FLAG, toQuiet("a deployment has the variables of its configuration")),
  usage_model: toKey("inherited", TEXT, toQuiet("a node has no prices")),
  zone_id: toKey("inherited", TEXT, toQuiet("a node has no zones")),
  placement: toKey("inherited", PLACEMENT, toQuiet(ONE_PLACE)),
  observability: toKey("inherited", OBSERVABILITY, toQuiet(EVERY_INVOCATION)),
  triggers: toKey("inherited", TRIGGERS, toQuiet("requests are the one trigger")),

  base_dir: toKey("inherited", TEXT, toAccepted("it concerns `find_additional_modules` alone")),
  logpush: toKey("inherited", FLAG, toAccepted("logs stay on the node")),
  tail_consumers: toKey(
    "own",
    toList(toTable({ service: toRequired(TEXT), environment: TEXT })),
    toAccepted("logs are not sent to other functions"),
  ),
  streaming_tail_consumers: toKey(
    "own",
    toList(toTable({ service: toRequired(TEXT) })),
    toAccepted("logs are not sent to other functions"),
  ),
  cache: toKey(
    "inherited",
    toTable({ enabled: toRequired(FLAG), cross_version_cache: FLAG }),
    toAccepted("responses are not cached"),
  ),
  access: toKey(
    "inherited",
    toTable({ dev: toTable({ aud: toRequired(TEXT), identity: toMap(ANYTHING) }) }),
    toAccepted("no access control stands before the function: anyone who reaches the node may call it"),
  ),
  migrations: toKey("inherited", MIGRATIONS, toAccepted("there are no Durable Objects to migrate")),
  addresses: toKey("top", TEXTS, toAccepted("a node receives no mail")),
  python_modules: toKey("inherited", toTable({ exclude: toRequired(TEXTS) }), toAccepted("there is no Python engine")),
  cloudchamber: toKey("own", CLOUDCHAMBER, toAccepted("it concerns Cloudflare's containers")),
  dev: toKey("top", DEV, toAccepted("addresses and ports are settings of the node")),
  type: toKey("top", TEXT, toAccepted("the bundler tells the kind of source by its file")),
  webpack_config: toKey("top", TEXT, toAccepted("the bundler is esbuild")),
  miniflare: toKey("top", ANYTHING, toAccepted("it concerns another tool")),
};
