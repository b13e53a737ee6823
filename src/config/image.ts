/**
 * `[nebula.container] image`: an image by name and digest, which is one and the same for ever.
 *
 * @see https://github.com/distribution/reference (grammar of references)
 */

import type { Findings } from "./findings.ts";
import { findText, type Value } from "./value.ts";

const NAME = /^[a-z0-9][\w./-]*(?::\d{1,5}\/[\w./-]+)?$/;
const TAG = /^[\w][\w.-]{0,127}$/;
const MAX_NAME_LENGTH = 400;

/** The reference, where it is one that names a digest. */
export function readImage(value: Value, findings: Findings): string | undefined {
  const text = findText(value);
  if (text === undefined) return undefined;
  const [whole, digest] = splitAt(text, "@");
  const lastColon = whole.lastIndexOf(":");
  const hasTag = lastColon > whole.lastIndexOf("/");
  const name = hasTag ? whole.slice(0, lastColon) : whole;
  const isName = name.length <= MAX_NAME_LENGTH && NAME.test(name) && (!hasTag || TAG.test(whole.slice(lastColon + 1)));
  if (!isName) {
    findings.onValue(value.path, "is not the name of an image", { hint: 'write it as "ghcr.io/owner/name@sha256:…"' });
  } else if (digest === undefined) {
    const why = hasTag ? "has a tag, which may be another image tomorrow" : "has no digest";
    findings.onValue(value.path, `${why}: it must be written as "name@sha256:…"`, {
      hint: `docker pull ${whole} prints its digest; write image = "${name}@sha256:…"`,
    });
  } else if (!/^sha256:[0-9a-f]{64}$/.test(digest)) {
    findings.onValue(value.path, "has a digest that is not one: sha256: and 64 digits of 0-9 and a-f");
  } else return `${whole}@${digest}`;
  return undefined;
}

function splitAt(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
