/**
 * The name that a node marks its containers with. Made when the first is prepared, and kept with the node's state: a
 * node that never had one has nothing to look for.
 */

import { randomBytes } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import { NebulaError } from "../../model/errors.ts";

/** The name of one node, in a file. */
export interface NodeId {
  /** Undefined when it has none yet. */
  find(): Promise<string | undefined>;
  ensure(): Promise<string>;
}

const ID = /^[0-9a-f]{12}$/;

/** Reads and writes nothing before it is asked. */
export function openNodeId(file: string): NodeId {
  const find = async () => {
    try {
      const id = (await readFile(file, "utf8")).trim();
      return ID.test(id) ? id : undefined;
    } catch {
      // because a node without containers has no such file
      return undefined;
    }
  };
  const make = async () => {
    const id = randomBytes(6).toString("hex");
    try {
      await writeFile(`${file}.new`, `${id}\n`);
      await rename(`${file}.new`, file);
    } catch (cause) {
      throw new NebulaError("NEBULA_STATE_FAILED", "Cannot keep the name of this node's containers", { cause });
    }
    return id;
  };
  let made: Promise<string> | undefined;
  return {
    find,
    ensure: async () => {
      const known = await (made ?? find());
      if (known !== undefined) return known;
      made ??= make();
      return await made;
    },
  };
}
