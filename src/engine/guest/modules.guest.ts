/**
 * Links a function's modules: what an `import` inside a guest may name, and nothing else.
 *
 *     "./abc-data.bin"       a file of the artifact
 *     "node:buffer"          a documented module of nodejs_compat, where the function asked for it
 *     "cloudflare:workers"   env, waitUntil, WorkerEntrypoint, RpcTarget
 *
 * Deny by default: Node's own loader is never asked, for static and dynamic imports alike.
 */

import { posix } from "node:path";
import { type Module, SourceTextModule, SyntheticModule } from "node:vm";
import type { ModuleKind } from "../../model/artifact.ts";
import type { LoadHead } from "./protocol.ts";

/** The modules of a function, and those of Node that it may import. */
export interface LinkOptions {
  readonly head: LoadHead;
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** The exports of a built-in module by its full name, or `undefined` when the function may not have it. */
  findBuiltin(name: string): Readonly<Record<string, unknown>> | undefined;
}

/** Evaluates the entry and gives its exports. Rejects with whatever the guest's top level throws. */
export async function evaluateEntry(options: LinkOptions): Promise<Record<string, unknown>> {
  const { head, files, findBuiltin } = options;
  const kinds = new Map(head.modules.map((file) => [file.name, file.kind]));
  const loaded = new Map<string, Module>();

  const load = (specifier: string, importer: string): Module => {
    const name = resolveName(specifier, importer);
    const known = loaded.get(name);
    if (known !== undefined) return known;
    const created = createModule(name, specifier);
    // biome-ignore lint/suspicious/noThenProperty: a guest may give Object.prototype one, and promises would call it
    Object.defineProperty(created, "then", { value: undefined });
    loaded.set(name, created);
    return created;
  };

  const createModule = (name: string, specifier: string): Module => {
    const bytes = files.get(name);
    const kind = kinds.get(name);
    if (bytes !== undefined && kind !== undefined) {
      if (kind === "js") return createSource(name, bytes);
      return createSynthetic(name, { default: toValue(kind, bytes) });
    }
    const builtin = findBuiltin(name);
    if (builtin !== undefined) return createSynthetic(name, builtin);
    throw new TypeError(`Cannot import "${specifier}": it is no file of this function and no module that it may use`);
  };

  const linkFrom = (specifier: string, importer: Module) => load(specifier, importer.identifier);

  const createSource = (name: string, bytes: Uint8Array): SourceTextModule =>
    new SourceTextModule(new TextDecoder().decode(bytes), {
      identifier: name,
      initializeImportMeta: (meta) => {
        meta.url = new URL(name, "file:///").href;
        meta.main = name === head.modules[0]?.name;
      },
      importModuleDynamically: async (specifier) => {
        const module = load(specifier, name);
        if (module.status === "unlinked") await module.link(linkFrom);
        if (module.status === "linked") await module.evaluate();
        return module;
      },
    });

  const main = head.modules[0]?.name ?? "";
  const entry = load(main, main);
  await entry.link(linkFrom);
  await entry.evaluate();
  return { ...entry.namespace };
}

/**
 * The name that a specifier means: a relative one is seen from its importer, and `?module`, which Workers writes
 * behind Wasm files, says nothing more.
 *
 *     resolveName("../b.wasm?module", "./lib/a.js")  →  "./b.wasm"
 */
function resolveName(specifier: string, importer: string): string {
  if (!/^\.{0,2}\//.test(specifier)) return specifier;
  const [path = ""] = specifier.split("?");
  return `./${posix.relative("/", posix.resolve("/", posix.dirname(importer), path))}`;
}

function createSynthetic(name: string, exports: Readonly<Record<string, unknown>>): SyntheticModule {
  const names = Object.keys(exports);
  return new SyntheticModule(
    names,
    function (this: SyntheticModule) {
      for (const key of names) this.setExport(key, exports[key]);
    },
    { identifier: name },
  );
}

function toValue(kind: Exclude<ModuleKind, "js">, bytes: Uint8Array): unknown {
  if (kind === "wasm") return new WebAssembly.Module(new Uint8Array(bytes));
  if (kind === "data") return new Uint8Array(bytes).buffer;
  const text = new TextDecoder().decode(bytes);
  return kind === "json" ? JSON.parse(text) : text;
}
