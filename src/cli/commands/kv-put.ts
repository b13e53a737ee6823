/**
 * `nebula kv put`: writes one value, given on the line, from a file or from standard input.
 */

import { openAsBlob } from "node:fs";
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { putValue } from "../../client/storage.ts";
import { explainReadFailure } from "../../config/folder.ts";
import { findErrno } from "../../model/errno.ts";
import { MAX_VALUE_BYTES } from "../../model/kv.ts";
import { usageError } from "../args.ts";
import { defineCommand } from "../command.ts";
import { NODE_ENV } from "../common-args.ts";
import { readInput } from "../files.ts";
import { parseMetadata, parseSeconds } from "../kv-pairs.ts";
import { NAMESPACE_ARGS, reachNamespace } from "../named-storage.ts";

export default defineCommand({
  meta: {
    name: "kv put",
    about:
      "Writes the value of a key of the running node, byte for byte: from the line, from a file with --path, or from standard input. " +
      "What the key had before is gone.",
    examples: [
      { line: "nebula kv put greeting Hello --binding CACHE --ttl 3600", summary: "for an hour" },
      { line: 'nebula kv put picture --path picture.png --metadata \'{"type":"png"}\'', summary: "a file" },
    ],
    env: NODE_ENV,
  },
  args: {
    key: { type: "positional", summary: "The key" },
    value: { type: "positional", default: "-", summary: "The value; - is standard input" },
    path: { type: "text", value: "file", summary: "The file with the value" },
    ttl: { type: "text", value: "seconds", summary: "How long it stays, 60 at least" },
    expiration: { type: "text", value: "seconds", summary: "When it goes, in seconds since 1970" },
    metadata: { type: "text", value: "json", summary: "What is kept beside it" },
    ...NAMESPACE_ARGS,
  },
  async run({ args, io, print, signal }) {
    const { key } = args;
    if (args.path !== undefined && args.value !== "-")
      throw usageError("Cannot put a value: there is one on the line, and one in --path");
    const beside = {
      expirationTtl: parseSeconds(args.ttl, "--ttl"),
      expiration: parseSeconds(args.expiration, "--expiration"),
      metadata: parseMetadata(args.metadata),
    };
    const value = args.path === undefined ? await readValue(args.value, io.stdin) : await openValue(args.path, io.cwd);
    const { client, place } = await reachNamespace(args, io);
    await putValue(client, place, { key, value, ...beside, signal });
    print.result({ key }, `put ${key}`);
    return 0;
  },
});

async function readValue(value: string, stdin: Parameters<typeof readInput>[1]["stdin"]) {
  if (value !== "-") return value;
  return new Uint8Array(await readInput({ path: "", shown: "-" }, { stdin, maxBytes: MAX_VALUE_BYTES }));
}

/** Streamed as it is sent. */
async function openValue(path: string, cwd: string): Promise<Blob> {
  const whole = resolve(cwd, path);
  try {
    // because a Blob of a file that is not there says so only when it is read
    if ((await stat(whole)).isFile()) return await openAsBlob(whole);
  } catch (thrown) {
    throw usageError(`Cannot read "${path}": ${explainReadFailure(thrown) ?? findErrno(thrown)}`);
  }
  throw usageError(`Cannot read "${path}": it is not a file`);
}
