/**
 * `nebula kv export`: every value of a namespace, as `nebula kv import` and `wrangler kv bulk` take them.
 */

import { resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Client } from "../../client/client.ts";
import type { ResourcePlace } from "../../client/storage.ts";
import { getValue, listKeys } from "../../client/storage.ts";
import { toNebulaError } from "../../model/errors.ts";
import { usageError } from "../args.ts";
import { defineCommand } from "../command.ts";
import { NODE_ENV } from "../common-args.ts";
import { writeWhole } from "../files.ts";
import { toPair } from "../kv-pairs.ts";
import { NAMESPACE_ARGS, reachNamespace } from "../named-storage.ts";

export default defineCommand({
  meta: {
    name: "kv export",
    about:
      "Writes every key of a namespace of the running node with its value into a JSON file, values that are no text as base64. Each is as " +
      "it was when it was read; nebula backup has all of them as they were at one moment.",
    examples: [{ line: "nebula kv export cache.json --binding CACHE", summary: "into a file" }],
    env: NODE_ENV,
  },
  args: {
    file: { type: "positional", default: "-", summary: "Where to; - is standard output" },
    prefix: { type: "text", value: "text", default: "", summary: "Only keys that begin so" },
    ...NAMESPACE_ARGS,
  },
  async run({ args, io, print, signal }) {
    const { file, prefix } = args;
    if (print.isJson && file === "-") throw usageError("Cannot export: --json needs a file");
    const { client, place } = await reachNamespace(args, io);
    const count = { keys: 0 };
    const pairs = writePairs(client, place, { prefix, signal, count });
    if (file === "-") {
      await pipeline(pairs, io.stdout, { signal, end: false });
      return 0;
    }
    await writeWhole({ path: resolve(io.cwd, file), shown: file }, pairs);
    print.result({ keys: count.keys, file }, `exported ${count.keys} ${count.keys === 1 ? "key" : "keys"} to ${file}`);
    return 0;
  },
});

async function* writePairs(
  client: Client,
  place: ResourcePlace,
  { prefix, signal, count }: { prefix: string; signal: AbortSignal; count: { keys: number } },
): AsyncGenerator<string> {
  yield "[";
  for await (const { name: key, expiration } of listKeys(client, place, { prefix, signal })) {
    const found = await getValue(client, place, { key, signal }).catch(ignoreGone);
    if (found === undefined) continue;
    const bytes = new Uint8Array(await new Response(found.body).arrayBuffer());
    const pair = toPair({ key, bytes, metadata: found.metadata, expiration });
    yield `${count.keys === 0 ? "\n" : ",\n"}${JSON.stringify(pair)}`;
    count.keys += 1;
  }
  yield "\n]\n";
}

/** It has expired, or was deleted, since it was listed. */
function ignoreGone(thrown: unknown): undefined {
  if (toNebulaError(thrown).code !== "NEBULA_REQUEST_INVALID") throw thrown;
}
