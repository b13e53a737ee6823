/**
 * Wrangler's keys for what a function has beside its code: databases, namespaces, other functions, secrets.
 *
 * Facts of wrangler 4.164.0 (its `config-schema.json`).
 * @see https://developers.cloudflare.com/workers/wrangler/configuration/#bindings
 */

import { toAccepted, toField, toHonoured, toKey, toQuiet, toRefused } from "./key.ts";
import type { Keys } from "./schema.ts";
import { ANYTHING, BINDING, FLAG, TEXT, toList, toMap, toRequired, toTable } from "./shape.ts";

const NAME = toRequired(BINDING, toHonoured("The name in `env`."));
const REMOTE = toField(FLAG, toAccepted("what a function has is this node's own"));
const PREVIEW = toField(TEXT, toQuiet("a node has no previews"));
const JURISDICTION = toField(TEXT, toQuiet("a node is where it is"));
const ID =
  "Functions that name one id share it. The name of the function with that of the binding, in lower case, unless given.";

/** The keys, all of them honoured. */
export const STATE_KEYS: Keys = {
  kv_namespaces: toKey(
    "own",
    toList(toTable({ binding: NAME, id: toField(TEXT, toHonoured(ID)), preview_id: PREVIEW, remote: REMOTE })),
    toHonoured("KV namespaces, which the node keeps."),
  ),
  d1_databases: toKey(
    "own",
    toList(
      toTable({
        binding: NAME,
        database_name: toField(TEXT, toHonoured("A second name of the database, for the command line.")),
        database_id: toField(TEXT, toHonoured(ID)),
        migrations_dir: toField(
          TEXT,
          toHonoured(
            "The folder of its migrations, applied in order before the function is activated; `migrations` if there.",
          ),
        ),
        migrations_table: toField(
          TEXT,
          toHonoured("The table that records which have been applied; `d1_migrations` unless given."),
        ),
        migrations_pattern: toField(TEXT, toRefused("migrations are the `.sql` files of `migrations_dir`")),
        preview_database_id: PREVIEW,
        database_internal_env: toField(TEXT, toQuiet("it is for Cloudflare itself")),
        jurisdiction: JURISDICTION,
        remote: REMOTE,
      }),
    ),
    toHonoured("D1 databases, which the node keeps."),
  ),
  services: toKey(
    "own",
    toList(
      toTable({
        binding: NAME,
        service: toRequired(TEXT, toHonoured("The name of another function of the node, or of this one.")),
        entrypoint: toField(TEXT, toHonoured("Which of its exported classes; the default export unless given.")),
        props: toField(toMap(ANYTHING), toHonoured("What it finds as `ctx.props`.")),
        remote: REMOTE,
      }),
    ),
    toHonoured("Other functions, asked without a socket."),
  ),
  secrets: toKey(
    "own",
    toTable({
      required: toField(toList(BINDING), toHonoured("Names without which the function is not activated.")),
    }),
    toHonoured("Secrets, whose values are put on the node."),
  ),
};
