/**
 * `nebula kv import`: many values from a file, as `nebula kv export` and `wrangler kv bulk` have them.
 */

import { resolve } from "node:path";
import { mapConcurrently } from "../../build/map-concurrently.ts";
import { putValue } from "../../client/storage.ts";
import { MIB } from "../../model/units.ts";
import { defineCommand } from "../command.ts";
import { NODE_ENV } from "../common-args.ts";
import { decodeText, readInput } from "../files.ts";
import { parsePairs } from "../kv-pairs.ts";
import { NAMESPACE_ARGS, reachNamespace } from "../named-storage.ts";

const MAX_FILE_BYTES = 384 * MIB;
const PUTS_AT_ONCE = 16;

export default defineCommand({
  meta: {
    name: "kv import",
    about:
      'Writes every pair of a JSON file into a namespace of the running node: [{"key": …, "value": …, "expiration": …, "metadata": …, ' +
      '"base64": true}]. The whole file is looked at before the first is written. Keys that are not in it stay.',
    examples: [{ line: "nebula kv import cache.json --binding CACHE", summary: "what nebula kv export has written" }],
    env: NODE_ENV,
  },
  args: { file: { type: "positional", summary: "The file; - is standard input" }, ...NAMESPACE_ARGS },
  async run({ args, io, print, signal }) {
    const { file } = args;
    const where = { path: resolve(io.cwd, file), shown: file };
    const pairs = parsePairs(
      decodeText(await readInput(where, { stdin: io.stdin, maxBytes: MAX_FILE_BYTES }), file),
      file,
    );
    const { client, place } = await reachNamespace(args, io);
    await mapConcurrently(pairs, PUTS_AT_ONCE, async (pair) => await putValue(client, place, { ...pair, signal }));
    print.result({ keys: pairs.length }, `put ${pairs.length} ${pairs.length === 1 ? "key" : "keys"}`);
    return 0;
  },
});
