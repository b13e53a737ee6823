/**
 * The name of a function: a DNS label, because it is the host under which the function answers.
 *
 * @see RFC 1035 section 2.3.1 (labels), RFC 1123 section 2.1 (a label may begin with a digit)
 */

import type { Findings } from "./findings.ts";
import { findSetting, type Settings } from "./settings.ts";
import { START } from "./source.ts";
import { findChild, findText } from "./value.ts";

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Makes a DNS label of any text: `My_API v2` → `my-api-v2`; empty when nothing is left. */
export function toSlug(text: string): string {
  const dashed = text
    .normalize("NFKD")
    .toLowerCase()
    .replace(/\p{M}/gu, "")
    .replace(/[^a-z0-9]+/g, "-");
  return dashed.replace(/^-+/, "").slice(0, 63).replace(/-+$/, "");
}

/** The name that counts. `fallback` is slugged, and used when the configuration names none. */
export function readName(settings: Settings, fallback: string, findings: Findings): string {
  const { env } = settings;
  const own = env && findChild(env.table, "name");
  const given = own ?? findSetting(settings, "name");
  const base = findText(given) ?? toSlug(fallback);
  const name = env && !own ? `${base}-${env.name}` : base;
  if (LABEL.test(name)) return name;
  const slug = toSlug(name);
  const hint = slug === "" ? undefined : `write "${slug}": the function answers at http://${slug}.localhost`;
  const what = `is not a valid name: "${name}" must be lower-case letters, digits and hyphens, at most 63, with no hyphen at either end`;
  // A base that is fine by itself was spoilt by the name of the environment.
  if (env && !own && (given === undefined || LABEL.test(base))) findings.onKey(env.table.path, what, { hint });
  else if (given && typeof given.value === "string") findings.onValue(given.path, what, { hint });
  else if (given === undefined) {
    findings.onText({ message: "the folder's name holds no letter or digit", position: START, hint: "write a name" });
  }
  return name;
}
