/**
 * JSON texts, with comments and trailing commas, as sources. The only file that knows the JSON parser.
 */

import { createScanner, type Node, type ParseError, parseTree, printParseErrorCode } from "jsonc-parser";
import { createLocator, formatPath, isTable, MAX_DEPTH, type Parsed, type Path, type Problem } from "./source.ts";
import { createFinder, type Spot } from "./spots.ts";

/** Reads a JSON text. Of faults in the syntax the first is told; a key that stands twice is told each time. */
export function parseJsonc(text: string): Parsed {
  const locate = createLocator(text);
  const deepAt = findTooDeepAt(text);
  if (deepAt !== undefined) {
    return { problems: [{ message: `lies more than ${MAX_DEPTH} levels deep`, position: locate(deepAt) }] };
  }
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { allowTrailingComma: true });
  const [error] = errors;
  if (error || root === undefined) {
    const what = error ? toWords(printParseErrorCode(error.error)) : "value expected";
    return { problems: [{ message: `not valid JSON: ${what}`, position: locate(error?.offset ?? 0) }] };
  }
  if (root.type !== "object") {
    return { problems: [{ message: `must be a table { … }, is ${root.type}`, position: locate(root.offset) }] };
  }
  const problems: Problem[] = [];
  const onTwice: OnTwice = (key, path) => {
    problems.push({ message: `"${formatPath(path)}" stands twice in one table`, position: locate(key.offset) });
  };
  const [value, spot] = toValue(root, { key: root, path: [], onTwice });
  return { ...(isTable(value) && { source: { value, positionOf: createFinder(spot, text) } }), problems };
}

/** Looks at brackets before the parser does, because it recurses: a text of nothing but brackets overflows its stack. */
function findTooDeepAt(text: string): number | undefined {
  const scanner = createScanner(text, true);
  let depth = 0;
  for (scanner.scan(); scanner.getTokenLength() > 0; scanner.scan()) {
    const char = text[scanner.getTokenOffset()];
    if (char === "{" || char === "[") depth++;
    if (char === "}" || char === "]") depth--;
    if (depth > MAX_DEPTH) return scanner.getTokenOffset();
  }
  return undefined;
}

/** `CloseBraceExpected` → `close brace expected`. */
function toWords(code: string): string {
  return code.replace(/(?<!^)(?=[A-Z])/g, " ").toLowerCase();
}

/** A value with its spot; `onTwice` hears of keys that stand twice in one object, of which the later counts. */
function toValue(node: Node, place: { key: Node; path: Path; onTwice: OnTwice }): readonly [unknown, Spot] {
  const { key, path, onTwice } = place;
  const values = new Map<string, unknown>();
  const children = new Map<string, Spot>();
  for (const [index, child] of (node.children ?? []).entries()) {
    const [name, inner] = node.type === "object" ? (child.children ?? []) : [child, child];
    if (name === undefined || inner === undefined) continue;
    const segment = node.type === "object" ? String(name.value) : index;
    const innerPath = [...path, segment];
    if (children.has(String(segment))) onTwice(name, innerPath);
    const [value, spot] = toValue(inner, { key: name, path: innerPath, onTwice });
    values.set(String(segment), value);
    children.set(String(segment), spot);
  }
  const spot = { keyAt: key.offset, valueAt: node.offset, children };
  if (node.type === "array") return [[...values.values()], spot];
  return [node.type === "object" ? Object.fromEntries(values) : node.value, spot];
}

type OnTwice = (key: Node, path: Path) => void;
