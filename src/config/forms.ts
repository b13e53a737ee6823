/**
 * What a function is made of: which engines run it, and the file behind its form for each of them.
 *
 *     main          the entry of the forms for isolate and wasi
 *     forms         other files, by engine: { wasi = "x.wasm", isolate = "index.ts", container = "Dockerfile" }
 *     Dockerfile    the form for container, unless an image is named that is pulled
 *
 * Where no engine is named, what there is decides: code comes before a Dockerfile.
 */

import { join, resolve } from "node:path";
import { ENGINE_NAMES, type EngineName, type ImageSource, type Project } from "../model/function.ts";
import { readPath } from "./build-settings.ts";
import { findEnginePlace, readEngines } from "./engines.ts";
import type { Findings } from "./findings.ts";
import { findDockerfile, findEntry } from "./folder.ts";
import { readImage } from "./image.ts";
import { findNebula, findSetting, type Settings } from "./settings.ts";
import { findText, type Value } from "./value.ts";

const DOCKERFILE = "Dockerfile";

/** Where a project is read from. */
export interface FormsPlace {
  readonly dir: string;
  readonly configFile: string | undefined;
  /** A build command may make the files. */
  readonly isMade: boolean;
  readonly findings: Findings;
}

/** What a function is made of. Paths are absolute. */
export interface Forms extends Pick<Project, "main" | "entries" | "image"> {
  readonly engines: readonly EngineName[];
  /** There is something that runs, or should be; no static files alone. */
  readonly hasCode: boolean;
}

/** Reads it all. Notes an engine without a form, and forms without an engine. */
export async function readForms(settings: Settings, place: FormsPlace): Promise<Forms> {
  const named = await readNamed(settings, place);
  const wanted = readEngines(settings, place.findings);
  const hasImage = findNebula(settings, "container", "image") !== undefined;
  const hasNamed = Object.keys(named).length > 0;
  const givenMain = findSetting(settings, "main");
  const isStatic =
    !givenMain &&
    !hasNamed &&
    !hasImage &&
    !wanted?.includes("container") &&
    findSetting(settings, "assets") !== undefined;
  const main = await readMain(settings, { ...place, isLookedFor: !isStatic && needsMain(wanted, named) });
  if (isStatic) return { engines: wanted ?? ["isolate"], hasCode: false };
  const hasDockerfile = (await findDockerfile(place.dir)) !== undefined;
  const engines = wanted ?? chooseEngines(settings, { named, main, hasImage: hasImage || hasDockerfile, place });
  const found: Found = { named, main, hasDockerfile, isMainGiven: givenMain !== undefined };
  return { engines, hasCode: true, ...(await toSources(settings, { engines, found, place })) };
}

type Named = Readonly<Partial<Record<EngineName, string>>>;

/** The files of `forms`. */
async function readNamed(settings: Settings, { dir, isMade, findings }: FormsPlace): Promise<Named> {
  const named: Partial<Record<EngineName, string>> = {};
  for (const engine of ENGINE_NAMES) {
    const value = findNebula(settings, "forms", engine);
    const text = findText(value);
    if (value === undefined || text === undefined) continue;
    named[engine] = resolve(dir, text);
    if (!isMade) await readPath(value, { dir, kind: "file", findings });
    if (engine === "isolate" && text.endsWith(".wasm")) {
      findings.onValue(value.path, `is "${text}": this engine runs JavaScript`, {
        hint: 'write it as the form of "wasi"',
      });
    }
  }
  return named;
}

function needsMain(wanted: readonly EngineName[] | undefined, named: Named): boolean {
  if (wanted === undefined) return Object.keys(named).length === 0;
  return wanted.some((engine) => engine !== "container" && named[engine] === undefined);
}

/** The entry that the configuration names, or the one that needs no name. */
async function readMain(
  settings: Settings,
  { dir, isMade, isLookedFor, findings }: FormsPlace & { isLookedFor: boolean },
): Promise<string | undefined> {
  const given = findSetting(settings, "main");
  if (given === undefined) return isLookedFor ? await findEntry(dir) : undefined;
  const text = findText(given);
  if (text?.endsWith(".py")) findings.onValue(given.path, "is refused: there is no Python engine");
  if (isMade) return text === undefined ? undefined : resolve(dir, text);
  return await readPath(given, { dir, kind: "file", findings });
}

interface Choice {
  readonly named: Named;
  readonly main: string | undefined;
  /** An image is named, or can be built. */
  readonly hasImage: boolean;
  readonly place: FormsPlace;
}

/** The engines where none is named. */
function chooseEngines(settings: Settings, { named, main, hasImage, place }: Choice): readonly EngineName[] {
  const { configFile, findings } = place;
  const forms = findNebula(settings, "forms");
  const engines = ENGINE_NAMES.filter((engine) => named[engine] !== undefined);
  if (forms && (engines.length > 1 || (engines.length === 1 && main !== undefined))) {
    findings.onKey(forms.path, 'stands without "engines", which says what their order is', {
      hint: `write engines = [${engines.map((engine) => `"${engine}"`).join(", ")}] under [nebula], in the order wanted`,
    });
  }
  if (engines.length > 0) return engines;
  if (main !== undefined) return [isWasm(main) ? "wasi" : "isolate"];
  if (findSetting(settings, "main") !== undefined) return ["isolate"];
  if (hasImage) return ["container"];
  const what = configFile
    ? 'has neither "main" nor "assets"'
    : "there is no wrangler.toml, wrangler.json or wrangler.jsonc";
  findings.onFile(`${what}, and no index, src/index or main file, nor a ${DOCKERFILE}`, {
    hint: configFile
      ? 'write main = "src/index.ts", or [assets] directory = "public"'
      : "write index.ts with export default { fetch() { … } }",
  });
  return [];
}

interface Found {
  readonly named: Named;
  readonly main: string | undefined;
  readonly hasDockerfile: boolean;
  readonly isMainGiven: boolean;
}

interface SourcesOptions {
  readonly engines: readonly EngineName[];
  readonly found: Found;
  readonly place: FormsPlace;
}

async function toSources(settings: Settings, { engines, found, place }: SourcesOptions) {
  const { named, main } = found;
  const { findings } = place;
  for (const engine of ["isolate", "wasi"] as const) {
    if (engines.includes(engine)) checkEntry(settings, { engine, found, findings });
  }
  for (const engine of ENGINE_NAMES) {
    const value = findNebula(settings, "forms", engine);
    if (value && !engines.includes(engine)) warnNoEngine(value, { engine, findings });
  }
  const given = findSetting(settings, "main");
  const isUsed = engines.some((engine) => engine !== "container" && named[engine] === undefined);
  if (given && !isUsed && engines.length > 0) {
    findings.onKey(given.path, "has no effect: no form is made of it", { severity: "warning" });
  }
  const { isolate, wasi } = named;
  const entries = {
    ...(isolate !== undefined && engines.includes("isolate") && { isolate }),
    ...(wasi !== undefined && engines.includes("wasi") && { wasi }),
  };
  const image = engines.includes("container") ? toImage(settings, { found, place }) : undefined;
  return {
    ...(main !== undefined && isUsed && { main }),
    ...(Object.keys(entries).length > 0 && { entries }),
    ...(image && { image }),
  };
}

/** Says that a key has no effect, since its engine is not among those of the function. */
export function warnNoEngine({ path }: Value, { engine, findings }: { engine: EngineName; findings: Findings }): void {
  findings.onKey(path, `has no effect: no engine is "${engine}"`, {
    severity: "warning",
    hint: `write engines = ["${engine}"] under [nebula]`,
  });
}

interface EntryOptions {
  readonly engine: "isolate" | "wasi";
  readonly found: Found;
  readonly findings: Findings;
}

function checkEntry(settings: Settings, { engine, found, findings }: EntryOptions): void {
  const { named, main, isMainGiven } = found;
  const place = findEnginePlace(settings, engine);
  if (place === undefined || named[engine] !== undefined) return;
  if (main === undefined && !isMainGiven) {
    const file = engine === "wasi" ? "main.wasm" : "index.ts";
    findings.onValue(place.path, `is "${engine}", which has no form: there is no entry file`, {
      hint: `write main = "${file}", or forms = { ${engine} = "${file}" } under [nebula]`,
    });
  } else if (engine === "isolate" && isWasm(main)) {
    findings.onValue(place.path, 'is "isolate", which runs JavaScript: "main" is a .wasm file', {
      hint: 'write "wasi"',
    });
  }
}

function toImage(settings: Settings, { found, place }: { found: Found; place: FormsPlace }): ImageSource | undefined {
  const { named, hasDockerfile } = found;
  const { dir, isMade, findings } = place;
  const given = findNebula(settings, "container", "image");
  const form = findNebula(settings, "forms", "container");
  if (given) {
    const reference = readImage(given, findings);
    if (form) {
      findings.onValue(form.path, 'stands beside "nebula.container.image": an image is either built or pulled');
    } else if (hasDockerfile) {
      findings.onValue(given.path, `is pulled, and the ${DOCKERFILE} of the folder is not built`, {
        severity: "warning",
      });
    }
    return reference === undefined ? undefined : { reference };
  }
  if (named.container !== undefined) return { dockerfile: named.container };
  if (form) return undefined;
  if (hasDockerfile || isMade) return { dockerfile: join(dir, DOCKERFILE) };
  const engine = findEnginePlace(settings, "container");
  if (engine) {
    findings.onValue(engine.path, `is "container", which has no form: there is no ${DOCKERFILE}`, {
      hint: `write a ${DOCKERFILE}, or image = "name@sha256:…" under [nebula.container]`,
    });
  }
  return undefined;
}

/** Whether the file is a Wasm program, by its name. */
export function isWasm(path: string | undefined): boolean {
  return path?.endsWith(".wasm") ?? false;
}
