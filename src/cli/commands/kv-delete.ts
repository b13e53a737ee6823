/**
 * `nebula kv delete`: takes a key away.
 */

import { deleteValue } from "../../client/storage.ts";
import { defineCommand } from "../command.ts";
import { NODE_ENV } from "../common-args.ts";
import { NAMESPACE_ARGS, reachNamespace } from "../named-storage.ts";

export default defineCommand({
  meta: {
    name: "kv delete",
    about: "Deletes a key of the running node. One that is not there is quiet, as in a function.",
    examples: [{ line: "nebula kv delete greeting --binding CACHE", summary: "one key" }],
    env: NODE_ENV,
  },
  args: { key: { type: "positional", summary: "The key" }, ...NAMESPACE_ARGS },
  async run({ args, io, print, signal }) {
    const { client, place } = await reachNamespace(args, io);
    await deleteValue(client, place, { key: args.key, signal });
    print.result({ key: args.key }, `deleted ${args.key}`);
    return 0;
  },
});
