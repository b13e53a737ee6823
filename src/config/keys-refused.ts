/**
 * Wrangler's keys that are refused: bindings that this version does not have, and ways of writing that were replaced.
 *
 * A function whose `env` lacks a binding fails at its first use, so it is told before it is deployed. An empty list or
 * table asks for nothing and passes. A binding that comes to Nebula leaves this file.
 * @see https://developers.cloudflare.com/workers/wrangler/configuration/#bindings
 */

import {
  CONNECT,
  CONTAINERS,
  DISPATCH_NAMESPACES,
  DURABLE_OBJECTS,
  EXPORTS,
  NAME_ALONE,
  NAMED,
  QUEUES,
  R2_BUCKETS,
  RATELIMITS,
  SEND_EMAIL,
  UNSAFE,
  WORKFLOWS,
} from "./binding-shapes.ts";
import { toKey, toRefused } from "./key.ts";
import type { Inheritance, Key, Keys, Shape } from "./schema.ts";
import { ANYTHING, BINDING, FLAG, TEXT, TEXTS, toList, toMap, toRequired, toTable } from "./shape.ts";

/** A list of bindings with a name and fields of their own. */
function toBindings(what: string, fields: Readonly<Record<string, Shape>>): Key {
  return toMissing(what, toList(toTable({ ...NAMED, ...fields })));
}

/** One binding that has nothing but a name. */
function toSingle(what: string, fields: Readonly<Record<string, Shape>> = {}): Key {
  return toMissing(what, toTable({ ...NAMED, ...fields }));
}

function toMissing(what: string, shape: Shape, inheritance: Inheritance = "own"): Key {
  return toKey(inheritance, shape, toRefused(`Nebula has no ${what}`));
}

/** Wrangler's keys that a function would miss if they were ignored. */
export const REFUSED_KEYS: Keys = {
  r2_buckets: toMissing("R2 buckets yet", R2_BUCKETS),
  queues: toMissing("queues yet", QUEUES),
  durable_objects: toMissing("Durable Objects yet", DURABLE_OBJECTS),
  exports: toMissing("Durable Objects, workflows or named entry points yet", EXPORTS, "inherited"),
  workflows: toMissing("workflows yet", WORKFLOWS),
  version_metadata: toMissing("binding for the version yet", toTable(NAME_ALONE)),
  ratelimits: toMissing("rate limit bindings yet", RATELIMITS),
  containers: toMissing("containers behind Durable Objects", CONTAINERS),

  ai: toSingle("AI models", { staging: FLAG }),
  ai_search: toBindings("AI search", { instance_name: TEXT }),
  ai_search_namespaces: toBindings("AI search", { namespace: TEXT }),
  agent_memory: toBindings("agent memory", { namespace: TEXT }),
  analytics: toSingle("analytics binding"),
  analytics_engine_datasets: toBindings("Analytics Engine", { dataset: TEXT }),
  artifacts: toBindings("binding for Cloudflare's Artifacts", { namespace: TEXT }),
  browser: toSingle("browser binding"),
  connect: toMissing("TCP or UDP handlers", CONNECT),
  dispatch_namespaces: toMissing("dispatch namespaces", DISPATCH_NAMESPACES),
  flagship: toBindings("Flagship binding", { app_id: TEXT }),
  hyperdrive: toBindings("Hyperdrive", { id: TEXT, localConnectionString: TEXT }),
  images: toSingle("images binding"),
  k2: toBindings("K2 binding", { stream: TEXT }),
  logfwdr: toMissing(
    "log forwarding",
    toTable({ bindings: toList(toTable({ name: toRequired(BINDING), destination: toRequired(TEXT) })) }),
    "inherited",
  ),
  media: toSingle("media binding"),
  mtls_certificates: toBindings("client certificates", { certificate_id: TEXT }),
  pipelines: toBindings("pipelines", { stream: TEXT, pipeline: TEXT }),
  secrets_store_secrets: toMissing(
    "secrets store",
    toList(toTable({ ...NAME_ALONE, store_id: TEXT, secret_name: TEXT })),
  ),
  send_email: toMissing("mail binding", SEND_EMAIL),
  stream: toSingle("stream binding"),
  unsafe: toMissing("bindings of Cloudflare's own", UNSAFE),
  unsafe_hello_world: toMissing("bindings of Cloudflare's own", toList(toTable({ ...NAME_ALONE, enable_timer: FLAG }))),
  vectorize: toBindings("Vectorize", { index_name: TEXT }),
  vpc_networks: toBindings("VPC networks", { tunnel_id: TEXT, network_id: TEXT }),
  vpc_services: toBindings("VPC services", { service_id: TEXT }),
  worker_loaders: toMissing("binding that loads other functions", toList(toTable(NAME_ALONE))),
  experimental_services: toKey("own", ANYTHING, toRefused("it was replaced by `services`")),

  find_additional_modules: toKey("inherited", FLAG, toRefused("only modules that an import names are packed", false)),
  site: toKey(
    "top",
    toTable({ bucket: toRequired(TEXT), "entry-point": TEXT, include: TEXTS, exclude: TEXTS }),
    toRefused("it was replaced by `assets`: write `[assets] directory`"),
  ),
  pages_build_output_dir: toKey(
    "top",
    TEXT,
    toRefused("a Pages project is written as `[assets] directory` and `main`"),
  ),
  wasm_modules: toKey("top", toMap(TEXT), toRefused("import the `.wasm` file where it is used")),
  text_blobs: toKey("top", toMap(TEXT), toRefused("import the file where it is used")),
  data_blobs: toKey("top", toMap(TEXT), toRefused("import the file where it is used")),
  node_compat: toKey("inherited", FLAG, toRefused("it was replaced by the flag `nodejs_compat`", false)),
  legacy_env: toKey(
    "top",
    FLAG,
    toRefused("each environment is a function of its own, `<name>-<environment>`: leave it out", true),
  ),
};
