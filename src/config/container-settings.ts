/**
 * `[nebula.container]`: how a container is run. Where its image comes from is read in forms.ts.
 */

import { type ContainerSettings, DEFAULT_CONTAINER, type EngineName } from "../model/function.ts";
import type { Findings } from "./findings.ts";
import { warnNoEngine } from "./forms.ts";
import { CONTAINER_KEYS } from "./keys-container.ts";
import { findNebula, type Settings } from "./settings.ts";
import { findNumber, findSize, findText, listElements, listTexts, type Value } from "./value.ts";

const USER = /^[1-9]\d{0,8}(?::[1-9]\d{0,8})?$/;
const PROBE = /^\/[\x21-\x7e]{0,2000}$/;
const MAX_ARGS = 1_000;
const MAX_ARG_LENGTH = 4_096;

interface ContainerOptions {
  readonly engines: readonly EngineName[];
  /** What `[nebula] interface` says to containers. */
  readonly asked: ContainerSettings["interface"] | undefined;
  readonly findings: Findings;
}

/** The settings, where the configuration has any. Notes what would not work, and what has no effect. */
export function readContainer(settings: Settings, { engines, asked, findings }: ContainerOptions) {
  const find = (key: string) => findNebula(settings, "container", key);
  const given = CONTAINER_KEYS.flatMap((key) => find(key) ?? []);
  if (!engines.includes("container")) {
    for (const value of given) warnNoEngine(value, { engine: "container", findings });
    return undefined;
  }
  if (asked === "stdio") for (const key of ["port", "probe"]) warnUnasked(find(key), findings);
  if (asked === undefined && given.every(({ path }) => path.at(-1) === "image")) return undefined;
  const port = findNumber(find("port"));
  const probe = readText(find("probe"), { form: PROBE, what: 'must be a path like "/ready"', findings });
  const user = readUser(find("user"), findings);
  const args = find("args");
  return {
    interface: asked ?? DEFAULT_CONTAINER.interface,
    ...(port !== undefined && { port }),
    ...(probe !== undefined && { probe }),
    ...(args && { args: readArgs(args, findings) }),
    ...(user !== undefined && { user }),
    cpus: findNumber(find("cpus")) ?? DEFAULT_CONTAINER.cpus,
    pids: findNumber(find("pids")) ?? DEFAULT_CONTAINER.pids,
    tmpBytes: findSize(find("tmp")) ?? DEFAULT_CONTAINER.tmpBytes,
    stopMs: findNumber(find("stop_after_ms")) ?? DEFAULT_CONTAINER.stopMs,
    removeMs: findNumber(find("remove_after_ms")) ?? DEFAULT_CONTAINER.removeMs,
  } satisfies ContainerSettings;
}

function warnUnasked(value: Value | undefined, findings: Findings): void {
  if (value === undefined) return;
  findings.onKey(value.path, 'has no effect: with interface = "stdio" nothing is asked over HTTP', {
    severity: "warning",
  });
}

/** A name would be looked up in the image, which could call itself root. */
function readUser(value: Value | undefined, findings: Findings): string | undefined {
  const number = findNumber(value);
  if (number !== undefined) return String(number);
  return readText(value, {
    form: USER,
    what: 'must be a number that is not 0, or two with a colon between them: "1000:1000"',
    findings,
  });
}

interface TextOptions {
  readonly form: RegExp;
  readonly what: string;
  readonly findings: Findings;
}

function readText(value: Value | undefined, { form, what, findings }: TextOptions): string | undefined {
  const text = findText(value);
  if (value === undefined || text === undefined) return undefined;
  if (!form.test(text)) findings.onValue(value.path, `${what}, is ${JSON.stringify(text)}`);
  return text;
}

function readArgs(list: Value, findings: Findings): readonly string[] {
  if (listElements(list).length > MAX_ARGS) findings.onKey(list.path, `has more than ${MAX_ARGS} texts`);
  for (const each of listElements(list)) {
    const text = findText(each) ?? "";
    if (text.includes("\0")) findings.onValue(each.path, "must have no NUL in it");
    if (text.length > MAX_ARG_LENGTH) findings.onValue(each.path, `must have ${MAX_ARG_LENGTH} characters at most`);
  }
  return listTexts(list);
}
