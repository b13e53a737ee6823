/**
 * The forms of wrangler's larger bindings, as far as they are more than a name and a few texts.
 *
 * Facts of wrangler 4.164.0 (its `config-schema.json`).
 * @see https://developers.cloudflare.com/workers/wrangler/configuration/#bindings
 */

import {
  ANYTHING,
  BINDING,
  FLAG,
  NUMBER,
  TEXT,
  TEXTS,
  toEither,
  toList,
  toMap,
  toRequired,
  toTable,
  toWord,
} from "./shape.ts";

/** What every binding has. */
export const NAME_ALONE = { binding: toRequired(BINDING) };

/** What nearly every binding has: `remote` asks for Cloudflare's service while developing. */
export const NAMED = { ...NAME_ALONE, remote: FLAG };
const JURISDICTION = toWord("eu", "fedramp", "us");
const STEPS = toTable({ steps: NUMBER });
const LIMIT = toTable({ limit: NUMBER });
const RETENTION = toTable({
  success_retention: toEither(NUMBER, TEXT),
  error_retention: toEither(NUMBER, TEXT),
});
const SCHEDULES = toEither(TEXT, TEXTS);

/** `durable_objects` */
export const DURABLE_OBJECTS = toTable({
  bindings: toList(
    toTable({ name: toRequired(BINDING), class_name: toRequired(TEXT), script_name: TEXT, environment: TEXT }),
  ),
  code_update_strategy: toTable({ mode: toRequired(toWord("immediate", "deferred")), max_delay: NUMBER }),
});

/** `exports` */
export const EXPORTS = toMap(
  toTable({
    type: toRequired(toWord("durable-object", "worker", "workflow")),
    state: toWord("created", "deleted", "renamed", "transferred", "expecting-transfer"),
    storage: toWord("sqlite", "legacy-kv"),
    container: TEXT,
    renamed_to: TEXT,
    transferred_to: TEXT,
    transfer_from: TEXT,
    cache: toTable({ enabled: toRequired(FLAG) }),
    name: TEXT,
    limits: STEPS,
    concurrency: LIMIT,
    schedules: SCHEDULES,
    default_retention: RETENTION,
    jurisdiction: JURISDICTION,
  }),
);

/** `workflows` */
export const WORKFLOWS = toList(
  toTable({
    binding: toRequired(BINDING),
    name: toRequired(TEXT),
    class_name: toRequired(TEXT),
    script_name: TEXT,
    limits: STEPS,
    concurrency: LIMIT,
    schedules: SCHEDULES,
    default_retention: RETENTION,
    jurisdiction: JURISDICTION,
  }),
);

/** `queues` */
export const QUEUES = toTable({
  producers: toList(toTable({ ...NAMED, queue: TEXT, delivery_delay: NUMBER })),
  consumers: toList(
    toTable({
      queue: toRequired(TEXT),
      type: TEXT,
      max_batch_size: NUMBER,
      max_batch_timeout: NUMBER,
      max_retries: NUMBER,
      dead_letter_queue: TEXT,
      max_concurrency: NUMBER,
      visibility_timeout_ms: NUMBER,
      retry_delay: NUMBER,
    }),
  ),
});

/** `r2_buckets` */
export const R2_BUCKETS = toList(
  toTable({
    ...NAMED,
    bucket_name: TEXT,
    preview_bucket_name: TEXT,
    jurisdiction: TEXT,
    local_dev: toTable({
      experimental_s3_credentials: toTable({ accessKeyId: toRequired(TEXT), secretAccessKey: toRequired(TEXT) }),
    }),
  }),
);

/** `containers` */
export const CONTAINERS = toList(
  toTable({
    name: TEXT,
    max_instances: NUMBER,
    image: TEXT,
    images: toMap(toTable({ dockerfile: TEXT, build_context: TEXT, build_vars: toMap(TEXT), image: TEXT })),
    image_build_context: TEXT,
    image_vars: toMap(TEXT),
    class_name: TEXT,
    observability: toTable({
      enabled: FLAG,
      logs: toTable({ enabled: FLAG }),
      target_instance_percentage: NUMBER,
      target_instance_count: NUMBER,
    }),
    scheduling_policy: TEXT,
    instance_type: toEither(TEXT, toTable({ vcpu: NUMBER, memory_mib: NUMBER, disk_mb: NUMBER })),
    ssh: toTable({ enabled: toRequired(FLAG), port: NUMBER }),
    authorized_keys: toList(toTable({ name: toRequired(TEXT), public_key: toRequired(TEXT) })),
    trusted_user_ca_keys: toList(toTable({ name: TEXT, public_key: toRequired(TEXT) })),
    constraints: toTable({ regions: TEXTS, jurisdiction: JURISDICTION }),
    rollout_step_percentage: toEither(NUMBER, toList(NUMBER)),
    rollout_active_grace_period: NUMBER,
  }),
);

/** `unsafe` */
export const UNSAFE = toTable({
  bindings: toList(
    toTable({
      name: toRequired(BINDING),
      type: toRequired(TEXT),
      dev: toTable({
        plugin: toTable({ package: toRequired(TEXT), name: toRequired(TEXT) }),
        options: toMap(ANYTHING),
      }),
    }),
  ),
  metadata: toMap(ANYTHING),
  capnp: toTable({ base_path: TEXT, source_schemas: TEXTS, compiled_schema: TEXT }),
});

/** `send_email` */
export const SEND_EMAIL = toList(
  toTable({
    name: toRequired(BINDING),
    destination_address: TEXT,
    allowed_destination_addresses: TEXTS,
    allowed_sender_addresses: TEXTS,
    remote: FLAG,
  }),
);

/** `dispatch_namespaces` */
export const DISPATCH_NAMESPACES = toList(
  toTable({
    ...NAMED,
    namespace: TEXT,
    outbound: toTable({ service: toRequired(TEXT), environment: TEXT, parameters: TEXTS }),
  }),
);

/** `connect` */
export const CONNECT = toList(
  toTable({
    protocol: toRequired(toWord("tcp", "udp")),
    port: toRequired(NUMBER),
    address: TEXT,
    idle_timeout_ms: NUMBER,
    max_pending_bytes: NUMBER,
  }),
);

/** `ratelimits` */
export const RATELIMITS = toList(
  toTable({
    name: toRequired(BINDING),
    namespace_id: toRequired(TEXT),
    simple: toRequired(toTable({ limit: toRequired(NUMBER), period: toRequired(NUMBER) })),
  }),
);
