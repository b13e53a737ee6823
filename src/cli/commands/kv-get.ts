/**
 * `nebula kv get`: the value of a key, byte for byte.
 */

import { pipeline } from "node:stream/promises";
import { getValue } from "../../client/storage.ts";
import { defineCommand } from "../command.ts";
import { NODE_ENV } from "../common-args.ts";
import { toPair } from "../kv-pairs.ts";
import { NAMESPACE_ARGS, reachNamespace } from "../named-storage.ts";

export default defineCommand({
  meta: {
    name: "kv get",
    about:
      "Prints the value of a key of the running node, byte for byte. With --json it is an object with the value, as base64 where it " +
      "is no text, and its metadata.",
    examples: [{ line: "nebula kv get picture --binding CACHE > picture.png", summary: "into a file" }],
    env: NODE_ENV,
  },
  args: { key: { type: "positional", summary: "The key" }, ...NAMESPACE_ARGS },
  async run({ args, io, print, signal }) {
    const { client, place } = await reachNamespace(args, io);
    const { body, metadata } = await getValue(client, place, { key: args.key, signal });
    if (print.isJson) {
      const bytes = new Uint8Array(await new Response(body).arrayBuffer());
      print.result(toPair({ key: args.key, bytes, metadata }), "");
    } else if (body !== null) await pipeline(body, io.stdout, { signal, end: false });
    return 0;
  },
});
