/**
 * A meme that somebody sent, from a form or as JSON, checked in one place: a draft, or all that is wrong with it.
 */

import { findTemplate } from "./data/templates.ts";
import { findLettering } from "./lettering.ts";
import type { Draft } from "./model.ts";
import type { Fault } from "./problem.ts";
import { clean, countCharacters, isReadable } from "./text.ts";

/** In characters and in tags. The form tells them to the browser, openapi.json to programs. */
export const LIMITS = { title: 80, caption: 120, credit: 80, tags: 5, tag: 24 } as const;
/** Smaller letters nobody reads on a phone. */
const SMALLEST_SIZE = 22;
const ANONYMOUS = "Anonymous, as all the best reviewers";

/** What a draft is made from: texts as they were typed. */
export interface Typed {
  readonly template: string;
  readonly title: string;
  readonly captions: readonly string[];
  readonly tags: readonly string[];
  readonly credit: string;
}

/** Faults are named like the fields of the form: `title`, `caption-1`, `tags`, `credit`. */
export type ParsedDraft =
  | { readonly ok: true; readonly draft: Draft }
  | { readonly ok: false; readonly faults: readonly Fault[] };

/** Reads a draft. An empty credit is anonymous; tags lose their case, and those that come twice come once. */
export function parseDraft(typed: Typed): ParsedDraft {
  const faults: Fault[] = [];
  const say = (name: string, reason: string) => faults.push({ name, reason });
  const template = findTemplate(typed.template);
  if (!template) return { ok: false, faults: [{ name: "template", reason: "must be the id of a template" }] };

  const captions = typed.captions.map(clean);
  if (captions.length !== template.zones.length) {
    say("captions", `must be ${template.zones.length}, one for each empty place of the template`);
  } else {
    for (const [i, zone] of template.zones.entries()) {
      const caption = captions[i] ?? "";
      if (countCharacters(caption) > LIMITS.caption) {
        say(`caption-${i + 1}`, `must have at most ${LIMITS.caption} characters`);
      } else if ((findLettering(caption, zone)?.size ?? 0) < SMALLEST_SIZE) {
        say(`caption-${i + 1}`, "does not fit its place: try fewer or shorter words");
      }
    }
    if (!captions.some(isReadable)) say("caption-1", "must say something: one caption at least");
  }

  const title = clean(typed.title);
  if (countCharacters(title) > LIMITS.title) say("title", `must have at most ${LIMITS.title} characters`);
  else if (!isReadable(title)) say("title", "must say something: every figure has a title");

  const tags = [...new Set(typed.tags.map((tag) => clean(tag).toLowerCase()).filter(Boolean))];
  const wrong = tags.find((tag) => !/^[\p{L}\p{N}](?:[\p{L}\p{N}\p{M} -]*[\p{L}\p{N}\p{M}])?$/u.test(tag));
  if (tags.length === 0) say("tags", "must be one at least, so that others find it");
  else if (tags.length > LIMITS.tags) say("tags", `must be at most ${LIMITS.tags}`);
  else if (tags.some((tag) => countCharacters(tag) > LIMITS.tag)) {
    say("tags", `must have at most ${LIMITS.tag} characters each`);
  } else if (wrong !== undefined) say("tags", "must be letters, digits, spaces and hyphens, with commas between them");

  const credit = clean(typed.credit);
  if (countCharacters(credit) > LIMITS.credit) say("credit", `must have at most ${LIMITS.credit} characters`);

  if (faults.length > 0) return { ok: false, faults };
  return {
    ok: true,
    draft: { template: template.id, title, captions, tags, credit: isReadable(credit) ? credit : ANONYMOUS },
  };
}
