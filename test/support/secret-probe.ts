/**
 * A function that tells what its `env` holds, and a look for secrets where none may be.
 */

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** Answers with its `env` as JSON. */
export const TELLS_ENV = `export default { fetch: (_, env) => Response.json({ ...env }) };\n`;

/** The files below a folder in which one of the texts stands, as it is or in base64. */
export async function findLeaks(dir: string, texts: readonly string[]): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const found = await Promise.all(
    files.map(async (file) => {
      const content = await readFile(file, "latin1").catch(() => "");
      return toSpellings(texts).some((text) => content.includes(text)) ? [file] : [];
    }),
  );
  return found.flat();
}

/** A text as it is, and in the two codings that a careless program would write it in. */
export function toSpellings(texts: readonly string[]): string[] {
  return texts.flatMap((text) => {
    const bytes = Buffer.from(text);
    return [bytes.toString("latin1"), bytes.toString("base64").replace(/=+$/, ""), bytes.toString("hex")];
  });
}
