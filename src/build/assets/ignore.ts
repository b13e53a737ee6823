/**
 * `.assetsignore`: which files stay out of the assets, in the language of .gitignore.
 *
 *     # comment        *.psd        drafts/        /top.txt        docs/old-*        !docs/old-but-good.txt
 *
 * @see https://git-scm.com/docs/gitignore (pattern format)
 * @see https://developers.cloudflare.com/workers/static-assets/binding/#ignoring-assets
 */

import { toGlobSource } from "../glob.ts";

/** Whether a file or folder is left out; paths relative to the folder of the file, with `/`. The last match decides. */
export type Ignores = (path: string, kind: "file" | "folder") => boolean;

/** Reads the text of an ignore file. Whatever lies below an ignored folder is out too: the caller does not enter it. */
export function parseIgnores(text: string): Ignores {
  const patterns = text.split(/\r?\n/).flatMap(parseLine);
  return (path, kind) => {
    const last = patterns.findLast(
      (pattern) => (kind === "folder" || !pattern.isForFolders) && pattern.regExp.test(path),
    );
    return last !== undefined && !last.isNegated;
  };
}

interface Pattern {
  readonly regExp: RegExp;
  readonly isNegated: boolean;
  readonly isForFolders: boolean;
}

function parseLine(line: string): Pattern[] {
  const text = line.replace(/(?<!\\)\s+$/, "");
  if (text === "" || text.startsWith("#")) return [];
  const isNegated = text.startsWith("!");
  const isForFolders = text.endsWith("/");
  const glob = text.slice(isNegated ? 1 : 0, isForFolders ? -1 : undefined);
  // A slash at the start or in the middle ties the pattern to the top folder.
  const prefix = glob.includes("/") ? "" : "(?:[^/]+/)*";
  return [{ regExp: new RegExp(`^${prefix}${toGlobSource(glob.replace(/^\//, ""))}$`), isNegated, isForFolders }];
}
