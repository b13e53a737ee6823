/**
 * The picture of a meme as PNG, for those who show no SVG: messengers, feeds, slides.
 *
 * The function `caption` draws it (functions/caption), asked through the binding CAPTION. Where that is absent there are
 * no PNGs, and the SVG has to do.
 */

import type { Context } from "hono";
import type { Env, Meme, Site } from "./model.ts";
import { notFoundPage } from "./pages/problems.ts";

/** The path of the PNG, `undefined` when nothing draws it. */
export function findPng(meme: Meme, env: Env | undefined): string | undefined {
  if (env?.CAPTION) return `/m/${meme.id}/picture.png`;
  return env?.CAPTION_PATH ? `${env.CAPTION_PATH}${toQuery(meme)}` : undefined;
}

/** Answers `/m/:id/picture.png`. @throws when the function does not draw what we have checked. */
export async function previewPicture(c: Context<Site, "/m/:id/picture.png">): Promise<Response> {
  const meme = c.env.CAPTION && (await c.var.memes.find(c.req.param("id")));
  if (!meme || !c.env.CAPTION) return notFoundPage(c);
  const drawn = await c.env.CAPTION.fetch(new Request(new URL(`/${toQuery(meme)}`, c.req.url)));
  if (!drawn.ok || !drawn.body) throw new Error(`Cannot draw "${meme.id}": caption answered ${drawn.status}`);
  return c.body(drawn.body, 200, {
    "content-type": "image/png",
    "cache-control": "public, max-age=604800, stale-while-revalidate=86400",
  });
}

function toQuery({ template, captions }: Meme): string {
  const texts = captions.map((caption) => ["text", caption]);
  return `?${new URLSearchParams([["template", template], ...texts])}`;
}
