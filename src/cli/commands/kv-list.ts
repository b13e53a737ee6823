/**
 * `nebula kv list`: the keys of a namespace.
 */

import { listKeys } from "../../client/storage.ts";
import type { KvListedKey } from "../../model/kv.ts";
import { clean } from "../clean.ts";
import { defineCommand } from "../command.ts";
import { NODE_ENV } from "../common-args.ts";
import { NAMESPACE_ARGS, reachNamespace } from "../named-storage.ts";
import { formatTable } from "../style.ts";

export default defineCommand({
  meta: {
    name: "kv list",
    about:
      "Lists the keys of a namespace of the running node in their order, with when they expire and what is kept beside them.",
    examples: [{ line: "nebula kv list --binding CACHE --prefix user:", summary: "keys that begin so" }],
    env: NODE_ENV,
  },
  args: { prefix: { type: "text", value: "text", default: "", summary: "Only keys that begin so" }, ...NAMESPACE_ARGS },
  async run({ args, io, print, signal }) {
    const { client, place } = await reachNamespace(args, io);
    const keys: KvListedKey[] = [];
    for await (const key of listKeys(client, place, { prefix: args.prefix, signal })) keys.push(key);
    print.result(keys, formatKeys(keys));
    return 0;
  },
});

function formatKeys(keys: readonly KvListedKey[]): string {
  if (keys.length === 0) return "no keys";
  const rows = keys.map(({ name, expiration, metadata }) => [
    clean(name).replace(/\s/g, " "),
    expiration === undefined ? "-" : new Date(expiration * 1_000).toISOString(),
    metadata === undefined ? "-" : clean(JSON.stringify(metadata)),
  ]);
  return formatTable([["key", "expires", "metadata"], ...rows]);
}
