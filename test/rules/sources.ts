/**
 * The repo as the rules see it: files, and what their syntax trees say.
 *
 * Trees come from the parser that the test runner brings with it; types alone count as imports too.
 */

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseAst } from "vitest/node";

/** The repo's folder, absolute. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

const SKIPPED = new Set([".git", ".nebula", "node_modules", "dist", "coverage", "results", "output"]);

/** A node of a syntax tree (https://github.com/estree/estree, with TypeScript's own kinds). */
export interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
}

/** One TypeScript file. Paths are relative to the repo's folder, with `/`. */
export interface Source {
  readonly path: string;
  readonly text: string;
  /** Every node, parents first. */
  readonly nodes: readonly Node[];
  /** The statements of the top level. */
  readonly body: readonly Node[];
  /** Specifiers of everything it imports or re-exports: declarations, `import()`, `require()` and types. */
  readonly imports: readonly string[];
}

/** Every file below a folder of the repo, relative to the repo's. */
export function listFiles(folder: string): string[] {
  const entries = readdirSync(join(ROOT, folder), { withFileTypes: true });
  return entries.flatMap((entry) => {
    if (SKIPPED.has(entry.name)) return [];
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    return entry.isDirectory() ? listFiles(path) : entry.isFile() ? [path] : [];
  });
}

/** The text of a file of the repo. */
export function readText(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

/** Every TypeScript file below a folder, parsed. */
export function readSources(folder: string): Source[] {
  const paths = listFiles(folder).filter((path) => path.endsWith(".ts") && !path.endsWith(".d.ts"));
  return paths.map((path) => parseSource(path, readText(path)));
}

/** A file's tree. */
export function parseSource(path: string, text: string): Source {
  const program = parseAst(text, { lang: "ts" });
  const nodes: Node[] = [];
  collect(program, nodes);
  const statements: readonly unknown[] = program.body;
  const body = statements.filter(isNode);
  return { path, text, nodes, body, imports: nodes.flatMap((node) => findSpecifier(node) ?? []) };
}

/** `src/a/b.ts:12`, as editors open it. */
export function toPlace({ path, text }: Source, { start }: Node): string {
  return `${path}:${text.slice(0, start).split("\n").length}`;
}

/** The file of the repo that a relative specifier names; `undefined` for packages and built-in modules. */
export function findTarget({ path }: Source, specifier: string): string | undefined {
  return specifier.startsWith(".") ? relative(ROOT, join(ROOT, dirname(path), specifier)) : undefined;
}

/** Whether a value is a node of a tree. */
export function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

/** The name of an identifier. */
export function findName(value: unknown): string | undefined {
  return isNode(value) && typeof value.name === "string" ? value.name : undefined;
}

function collect(value: unknown, nodes: Node[]): void {
  if (Array.isArray(value)) {
    for (const each of value) collect(each, nodes);
  } else if (isNode(value)) {
    nodes.push(value);
    for (const child of Object.values(value)) if (typeof child === "object") collect(child, nodes);
  }
}

/** Declarations and `import()` name it as `source`; `require()` and `createRequire()()` as their argument. */
function findSpecifier(node: Node): string | undefined {
  if (isNode(node.source)) return findString(node.source);
  if (node.type !== "CallExpression" || findName(node.callee) !== "require" || !Array.isArray(node.arguments)) {
    return undefined;
  }
  return findString(node.arguments[0]);
}

function findString(value: unknown): string | undefined {
  return isNode(value) && typeof value.value === "string" ? value.value : undefined;
}
