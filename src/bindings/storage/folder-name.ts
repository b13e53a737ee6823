/**
 * The folder of a resource: its id as a name that is safe in a path, and that people can read.
 */

import { createHash } from "node:crypto";

const MAX_LENGTH = 200;

/** Two ids never have the same one. */
export function toFolderName(id: string): string {
  const name = encodeURIComponent(id).replaceAll(".", "%2E");
  // An escape begins with `%`, so that no name begins as a digest does.
  return name.length > 0 && name.length <= MAX_LENGTH
    ? name
    : `%sha256-${createHash("sha256").update(id).digest("hex")}`;
}

/** The id that a folder belongs to; undefined where it cannot be told. */
export function findId(name: string): string | undefined {
  try {
    const id = decodeURIComponent(name);
    return toFolderName(id) === name ? id : undefined;
  } catch {
    // because a folder may have any name
    return undefined;
  }
}
