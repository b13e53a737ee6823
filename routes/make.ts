/**
 * "Make your own": a form per template. Everything works without a script.
 *
 *     GET  /make/:template                what was typed so far is in the query; so is the preview's
 *     GET  /make/:template/picture.svg    the preview
 *     POST /make/:template                publishes, and leads to the new meme (303), or shows the form with its faults
 */

import type { Context } from "hono";
import { findTemplate } from "./data/templates.ts";
import { LIMITS, parseDraft, type Typed } from "./draft.ts";
import { readForm } from "./form.ts";
import { findLettering } from "./lettering.ts";
import type { Site, Template } from "./model.ts";
import { formPage } from "./pages/make.ts";
import { notFoundPage } from "./pages/problems.ts";
import { answerPicture } from "./picture.ts";
import { clean, countCharacters } from "./text.ts";
import { findAddress } from "./visitor.ts";

export function makePage(c: Context<Site, "/make/:template">): Response | Promise<Response> {
  const template = findTemplate(c.req.param("template"));
  if (!template) return notFoundPage(c);
  const fields = new URL(c.req.url).searchParams;
  const typed = toTyped(fields, template);
  // Nobody is told of faults before having asked for a preview.
  const parsed = fields.has("preview") ? parseDraft(typed) : undefined;
  return formPage(c, { template, typed, faults: parsed?.ok === false ? parsed.faults : [] });
}

export async function publishMeme(c: Context<Site, "/make/:template">): Promise<Response> {
  const template = findTemplate(c.req.param("template"));
  if (!template) return notFoundPage(c);
  const typed = toTyped(await readForm(c), template);
  const parsed = parseDraft(typed);
  if (!parsed.ok) return formPage(c, { template, typed, faults: parsed.faults }, 422);
  const waitSeconds = await c.var.memes.take("publish", findAddress(c));
  if (waitSeconds !== undefined) {
    c.header("retry-after", String(waitSeconds));
    const reason = `of many figures today. Please come back in ${Math.ceil(waitSeconds / 60)} minutes; nothing you typed is lost`;
    return formPage(c, { template, typed, faults: [{ name: "form", reason }] }, 429);
  }
  const meme = await c.var.memes.publish(parsed.draft);
  c.header("cache-control", "no-store");
  return c.redirect(`/m/${meme.id}`, 303);
}

/** The drawing with whatever of the captions fits; of the rest the form says what is wrong. */
export async function draftPicture(c: Context<Site, "/make/:template/picture.svg">): Promise<Response> {
  const template = findTemplate(c.req.param("template"));
  if (!template) return notFoundPage(c);
  const { captions, title } = toTyped(new URL(c.req.url).searchParams, template);
  const fitting = template.zones.map((zone, i) => {
    const caption = clean(captions[i] ?? "");
    return countCharacters(caption) <= LIMITS.caption && findLettering(caption, zone) ? caption : "…";
  });
  const words = { title: clean(title).slice(0, LIMITS.title) || template.title, captions: fitting };
  return answerPicture(c, { template, words, maxAgeSeconds: 3_600 });
}

/** The fields as they came, one caption for each zone. */
function toTyped(fields: URLSearchParams, template: Template): Typed {
  const captions = fields.getAll("caption");
  return {
    template: template.id,
    title: fields.get("title") ?? "",
    captions: template.zones.map((_, i) => captions[i] ?? ""),
    tags: (fields.get("tags") ?? "").split(","),
    credit: fields.get("credit") ?? "",
  };
}
