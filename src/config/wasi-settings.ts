/**
 * What concerns Wasm programs alone: what they get, how they are tried, and the files that ship with them.
 */

import { resolve } from "node:path";
import { DEFAULT_WASI, type ProofRequest, type WasiSettings } from "../model/function.ts";
import type { Findings } from "./findings.ts";
import { readKind } from "./folder.ts";
import { warnNoEngine } from "./forms.ts";
import { findNebula, type Settings } from "./settings.ts";
import { findChild, findText, listElements, listEntries, listTexts, type Value } from "./value.ts";

/** Below `[nebula]`. */
const WASI_KEYS = ["args", "state", "proof"] as const;

const MAX_PROOFS = 16;
const METHOD = /^[A-Z]{1,20}$/;
const BODYLESS = new Set(["GET", "HEAD"]);

interface WasiOptions {
  /** Whether an engine is named that runs Wasm. */
  readonly hasWasi: boolean;
  readonly findings: Findings;
}

/** The settings, where the configuration has any; `asked` is what `interface` says to Wasm programs. Notes what would not work, and what has no effect. */
export function readWasi(
  settings: Settings,
  { hasWasi, asked, findings }: WasiOptions & { readonly asked: WasiSettings["interface"] | undefined },
): WasiSettings | undefined {
  const given = WASI_KEYS.flatMap((key) => findNebula(settings, key) ?? []);
  if (!hasWasi) {
    for (const value of given) warnNoEngine(value, { engine: "wasi", findings });
    return undefined;
  }
  if (given.length === 0 && asked === undefined) return undefined;
  const state = readState(findNebula(settings, "state"), findings);
  const proof = findNebula(settings, "proof");
  return {
    interface: asked ?? DEFAULT_WASI.interface,
    args: readArgs(findNebula(settings, "args"), findings),
    ...(state !== undefined && { state }),
    proof: proof === undefined ? DEFAULT_WASI.proof : readProofs(proof, findings),
  };
}

function readArgs(list: Value | undefined, findings: Findings): readonly string[] {
  for (const each of listElements(list)) {
    if (findText(each)?.includes("\0")) findings.onValue(each.path, "must have no NUL in it");
  }
  return listTexts(list);
}

function readState(value: Value | undefined, findings: Findings): string | undefined {
  const path = findText(value);
  if (value === undefined || path === undefined) return undefined;
  if (path === "/" || !isGuestPath(path)) findings.onValue(value.path, `is "${path}": it must be a path like "/state"`);
  return path;
}

function readProofs(list: Value, findings: Findings): readonly ProofRequest[] {
  const elements = listElements(list);
  if (elements.length > MAX_PROOFS) findings.onKey(list.path, `has more than ${MAX_PROOFS} requests`);
  return elements.flatMap((element) => {
    const proof = readProof(element, findings);
    return proof === undefined ? [] : [proof];
  });
}

function readProof(table: Value, findings: Findings): ProofRequest | undefined {
  const path = findText(findChild(table, "path"));
  if (path === undefined) return undefined;
  const method = findText(findChild(table, "method")) ?? "GET";
  const body = findText(findChild(table, "body"));
  if (!METHOD.test(method)) findings.onKey(table.path, `has a "method" that is not one: "${method}"`);
  if (!/^\/[^\s#]*$/.test(path)) {
    findings.onKey(table.path, `has a "path" that is not one: "${path}"`, { hint: 'write path = "/?n=10"' });
  }
  if (body !== undefined && BODYLESS.has(method)) findings.onKey(table.path, `has a "body", and ${method} has none`);
  return { method, path, ...(body !== undefined && { body }) };
}

/** The files with the absolute paths they come from. Notes what is not there; a build command may be what makes it. */
export async function readFiles(
  settings: Settings,
  { dir, isMade, hasWasi, findings }: WasiOptions & { dir: string; isMade: boolean },
): Promise<Readonly<Record<string, string>> | undefined> {
  const table = findNebula(settings, "files");
  if (table === undefined) return undefined;
  if (!hasWasi) warnNoEngine(table, { engine: "wasi", findings });
  const files: Record<string, string> = {};
  for (const [guest, value] of listEntries(table)) {
    const text = findText(value);
    if (text === undefined) continue;
    if (isGuestPath(guest)) files[guest] = resolve(dir, text);
    else findings.onKey(value.path, 'must be a path like "/data", without "." or ".." in it');
    if (!isMade) await checkSource(value, { text, path: resolve(dir, text), findings });
  }
  return hasWasi ? files : undefined;
}

interface FileSource {
  readonly text: string;
  readonly path: string;
  readonly findings: Findings;
}

async function checkSource({ path: place }: Value, { text, path, findings }: FileSource): Promise<void> {
  const found = text === "" || text.includes("\0") ? "missing" : await readKind(path);
  const what = {
    missing: "there is no such file or folder",
    unreadable: "it cannot be read",
    neither: "it is neither file nor folder",
    file: undefined,
    folder: undefined,
  }[found];
  if (what !== undefined) findings.onValue(place, `is "${text}": ${what}`);
}

/** Absolute, in its shortest writing. */
function isGuestPath(path: string): boolean {
  return path === "/" || (/^(?:\/[^/\0]+)+$/.test(path) && !/\/\.\.?(?:\/|$)/.test(path));
}
