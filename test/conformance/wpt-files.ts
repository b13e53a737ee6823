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
export function toModule(root: string, file: WptFile): string {
  const own = (name: string) => readFileSync(resolve(import.meta.dirname, name), "utf8");
  const of = (path: string) => substitute(path, readFileSync(join(root, path), "utf8"));
  const parts = [own("before-harness.js"), of("resources/testharness.js"), own("after-harness.js")];
  return [...parts, ...[...file.scripts, file.path].map(of)].join("\n;\n");
}

/** The names that a WPT server puts in place of `{{…}}` in `.sub.` files; the address is known when the test runs. */
function substitute(path: string, text: string): string {
  if (!path.includes(".sub.")) return text;
  const values: Readonly<Record<string, string>> = { host: "localhost", "domains[www2]": "127.0.0.1" };
  return text.replace(/'?\{\{([^}]*)\}\}'?/g, (_all, name: string) =>
    name.startsWith("ports") || name.startsWith("location") ? "self.location.port" : `"${values[name] ?? "127.0.0.1"}"`,
  );
}
