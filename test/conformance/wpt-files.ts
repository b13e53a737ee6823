/**
 * Reads web platform tests as they lie in a checkout: which there are, what they need, and their text as one module.
 *
 * @see https://web-platform-tests.org/writing-tests/testharness.html#multi-global-tests
 */

import { readFileSync } from "node:fs";
import { glob, readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";

/** The areas of the WinterTC minimum common API, as folders of the checkout. */
export const AREAS = [
  "FileAPI",
  "WebCryptoAPI",
  "compression",
  "console",
  "dom/abort",
  "dom/events",
  "encoding",
  "fetch/api",
  "hr-time",
  "html/webappapis",
  "streams",
  "url",
  "urlpattern",
  "wasm/jsapi",
  "wasm/webapi",
  "webidl",
  "xhr/formdata",
] as const;

export interface WptFile {
  /** Relative to the checkout, `url/historical.any.js`. */
  readonly path: string;
  readonly area: string;
  /** Parts of the address that choose subtests, `?1-10`; one empty text where there are none. */
  readonly variants: readonly string[];
  /** Scripts that come before the test, relative to the checkout. */
  readonly scripts: readonly string[];
  /** Why it cannot run in a scope that is neither a window nor a browser's worker. */
  readonly skipped?: string;
}

/** Scripts that WPT's server has under another name. */
const RENAMED: Readonly<Record<string, string>> = {
  "/resources/WebIDLParser.js": "resources/webidl2/lib/webidl2.js",
};

/** All tests of the areas whose path contains the filter, in order. */
export async function readWptFiles(root: string, filter: string): Promise<WptFile[]> {
  const files: WptFile[] = [];
  for (const area of AREAS) {
    const paths: string[] = [];
    for await (const path of glob(`${area}/**/*.any.js`, { cwd: root })) if (path.includes(filter)) paths.push(path);
    for (const path of paths.sort()) {
      files.push(parseWptFile(path, { area, text: await readFile(join(root, path), "utf8") }));
    }
  }
  return files;
}

function parseWptFile(path: string, { area, text }: { area: string; text: string }): WptFile {
  const meta = [...text.matchAll(/^\/\/ META: *(\w+)=(.*)$/gm)].map(([, key, value]) => ({
    key,
    value: value?.trim(),
  }));
  const valuesOf = (key: string) => meta.filter((each) => each.key === key).map(({ value }) => value ?? "");
  const scopes = valuesOf("global").flatMap((value) => value.split(","));
  const variants = valuesOf("variant");
  const isForUs = scopes.length === 0 || scopes.some((scope) => ["worker", "dedicatedworker"].includes(scope));
  return {
    path,
    area,
    variants: variants.length === 0 ? [""] : variants,
    scripts: valuesOf("script").map(
      (name) => RENAMED[name] ?? (name.startsWith("/") ? name.slice(1) : join(dirname(path), name)),
    ),
    ...(!isForUs && { skipped: `for ${scopes.join(", ")} only` }),
    ...(path.includes(".h2.") && { skipped: "needs a server that speaks HTTP/2" }),
  };
}

/**
 * A test with the harness and all that it includes, as one module. Scripts run one after the other in the same
 * scope, so concatenation means the same, but for strict mode, on either side alike.
 */
export function toModule(root: string, { file, port }: { file: WptFile; port: number }): string {
  const own = (name: string) => readFileSync(resolve(import.meta.dirname, name), "utf8");
  const of = (path: string) => substitute(path, { text: readFileSync(join(root, path), "utf8"), port });
  const test = of(file.path);
  const harness = [own("before-harness.js"), of("resources/testharness.js"), own("after-harness.js"), toObjects(test)];
  const scripts = file.scripts.map((path) => withGlobals(of(path).replaceAll("eval(desc)", "wpt.objects[desc]()")));
  return [...harness, toImplicitGlobals([...scripts, test].join("\n")), ...scripts, test].join("\n;\n");
}

/** What a classic script declares at its top is a property of the global scope; in a module it is not. */
function withGlobals(text: string): string {
  const names = [...text.matchAll(/^(?:async )?function\*? +(\w+)|^var (\w+)/gm)].map(([, a, b]) => a ?? b);
  const publish = [...new Set(names)].map(
    (name) => `if (typeof ${name} !== "undefined") globalThis.${name} = ${name};`,
  );
  return `${text}\n;${publish.join("\n")}`;
}

/** The interface tests make their objects from strings, which a function may not; here they are functions already. */
function toObjects(test: string): string {
  const blocks = [...test.matchAll(/add_objects\(\{([\s\S]*?)\}\)/g)].map(([, block]) => block ?? "");
  const texts = blocks.flatMap((block) =>
    [...block.matchAll(/(["'`])((?:(?!\1).)+)\1/g)].map(([, , text]) => text ?? ""),
  );
  const entries = texts.map((text) => `${JSON.stringify(text)}: () => (${text})`);
  return `wpt.objects = { ${entries.join(", ")} };`;
}

/** The names that a WPT server puts in place of `{{…}}` in `.sub.` files. */
function substitute(path: string, { text, port }: { text: string; port: number }): string {
  if (!path.includes(".sub.")) return text;
  return text.replace(/\{\{([^}]*)\}\}/g, (_all, name: string) => {
    if (name.startsWith("ports") || name === "location[port]") return String(port);
    if (name === "location[scheme]") return "http";
    return name.startsWith("domains") || name.startsWith("hosts") ? "127.0.0.1" : "localhost";
  });
}

/** A module is strict: names that a test assigns without declaring them must be there. */
function toImplicitGlobals(text: string): string {
  const assigned = [...text.matchAll(/for \((\w+) (?:of|in|=) |^ *([a-zA-Z_]\w*) = /gm)].map(
    ([, a, b]) => a ?? b ?? "",
  );
  const isDeclared = (name: string) =>
    new RegExp(`\\b(?:var|let|const|function|class)\\b[^;=(){}\\n]*\\b${name}\\b`).test(text);
  const names = [...new Set(assigned)].filter((name) => !isDeclared(name));
  return names.map((name) => `if (!("${name}" in globalThis)) globalThis.${name} = undefined;`).join("\n");
}
