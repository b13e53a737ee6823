/**
 * Globs as regular expressions, in the common subset of JavaScript's and Go's syntax, since esbuild is Go.
 *
 *     **   any folders        *   anything but "/"        ?   one character        [a-z] [!a-z]   one of these
 */

/** The body of a regular expression, without anchors. Paths use `/`. A backslash takes the next character as it is. */
export function toGlobSource(glob: string): string {
  let source = "";
  for (let at = 0; at < glob.length; ) {
    const [part, length] = readToken(glob, at);
    source += part;
    at += length;
  }
  return source;
}

function readToken(glob: string, at: number): [source: string, length: number] {
  const rest = glob.slice(at);
  const isSegmentStart = at === 0 || glob[at - 1] === "/";
  if (isSegmentStart && rest.startsWith("**/")) return ["(?:[^/]+/)*", 3];
  if (isSegmentStart && rest === "**") return [".*", 2];
  const stars = /^\*+/.exec(rest);
  if (stars !== null) return ["[^/]*", stars[0].length];
  if (rest[0] === "?") return ["[^/]", 1];
  const set = /^\[([!^]?)((?:\\.|[^\]\\])(?:\\.|[^\]\\])*)\]/.exec(rest);
  if (set !== null) return [`[${set[1] ? "^/" : ""}${(set[2] ?? "").replaceAll("[", "\\[")}]`, set[0].length];
  if (rest[0] === "\\" && rest.length > 1) return [toLiteralSource(rest.slice(1, 2)), 2];
  return [toLiteralSource(rest.slice(0, 1)), 1];
}

/** Escapes text so that it stands for itself, in both syntaxes. */
export function toLiteralSource(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
