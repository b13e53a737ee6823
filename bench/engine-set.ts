/**
 * One program, functions/fibonacci, in the form of each engine: C compiled to Wasm, the same C compiled to a static
 * server in an image of nothing else, and its few lines in JavaScript.
 */

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Connection, Reply } from "./connection.ts";
import type { ProjectFiles } from "./nebula.ts";

/** What a form is called in tables. */
export type FormName = "wasi" | "isolate" | "container";

const FUNCTION_DIR = join(import.meta.dirname, "../functions/fibonacci");
const SERVER_SOURCE = join(FUNCTION_DIR, "server.c");

const SCRIPT = `const recursive = (n) => (n < 2 ? n : recursive(n - 1) + recursive(n - 2));
const fibonacci = (n) => {
  let [a, b] = [0n, 1n];
  while (n-- > 0) [a, b] = [b, a + b];
  return a;
};
export default {
  fetch(request) {
    const { searchParams } = new URL(request.url);
    const n = Number(searchParams.get("n") ?? 30);
    return new Response((searchParams.get("recursive") === "1" ? recursive(n) : fibonacci(n)) + "\\n");
  },
};
`;
const DOCKERFILE = 'FROM scratch\nCOPY server /server\nUSER 65532\nEXPOSE 8080\nENTRYPOINT ["/server"]\n';

/** What the request costs: almost nothing, or a few milliseconds of processor in the fastest form. */
export const PATHS = { light: "?n=20&recursive=1", heavy: "?n=32&recursive=1" } as const;
const ANSWERS: Readonly<Record<string, string>> = { [PATHS.light]: "6765\n", [PATHS.heavy]: "2178309\n" };

/** How a function is set up: the engines in their order, and further lines of its configuration. */
export interface FormOptions {
  readonly engines: readonly FormName[];
  readonly nebula?: string;
  readonly more?: string;
}

/** The static server that an image has. @throws when there is no C compiler here. */
export function compileServer(): Uint8Array {
  const dir = mkdtempSync(join(tmpdir(), "nebula-bench-"));
  try {
    const out = join(dir, "server");
    execFileSync("cc", ["-O2", "-static", "-s", "-pthread", "-o", out, SERVER_SOURCE]);
    return readFileSync(out);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** The folder of one function, with the forms that its engines need. */
export function toFormFiles(name: string, server: Uint8Array, options: FormOptions): ProjectFiles {
  const { engines, nebula = "", more = "" } = options;
  const dir = `functions/${name}`;
  const has = (form: FormName) => engines.includes(form);
  const forms = [
    ...(has("wasi") ? ['wasi = "fibonacci.wasm"'] : []),
    ...(has("isolate") ? ['isolate = "index.js"'] : []),
    ...(has("container") ? ['container = "Dockerfile"'] : []),
  ].join(", ");
  const config = `name = "${name}"
compatibility_date = "2026-11-01"
[nebula]
engines = ${JSON.stringify(engines)}
forms = { ${forms} }
${nebula}
${has("container") ? "[nebula.container]\ncpus = 2\n" : ""}${more}`;
  return {
    [`${dir}/wrangler.toml`]: config,
    ...(has("wasi") && { [`${dir}/fibonacci.wasm`]: readFileSync(join(FUNCTION_DIR, "fibonacci.wasm")) }),
    ...(has("isolate") && { [`${dir}/index.js`]: SCRIPT }),
    ...(has("container") && { [`${dir}/Dockerfile`]: DOCKERFILE, [`${dir}/server`]: server }),
  };
}

/** Asks a function, and takes nothing but the right answer. */
export async function askForm(connection: Connection, name: string, path: string): Promise<Reply> {
  const reply = await connection.get(`/fn/${name}/${path}`);
  if (reply.status === 200 && reply.body === ANSWERS[path]) return reply;
  throw new Error(`Cannot measure "${name}": it answers ${reply.status} ${reply.body.slice(0, 500)}`);
}
