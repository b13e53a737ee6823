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
  return env?.CAPTION && `/m/${meme.id}/picture.png`;
}

/** Answers `/m/:id/picture.png`; with the way to the SVG where the function cannot be asked, or does not draw. */
export async function previewPicture(c: Context<Site, "/m/:id/picture.png">): Promise<Response> {
  const meme = c.env.CAPTION && (await c.var.memes.find(c.req.param("id")));
  if (!meme || !c.env.CAPTION) return notFoundPage(c);
  try {
    const drawn = await c.env.CAPTION.fetch(new Request(new URL(`/${toQuery(meme)}`, c.req.url)));
    if (drawn.headers.get("content-type") !== "image/png") throw new Error(`caption answered ${drawn.status}`);
    return c.body(await drawn.arrayBuffer(), 200, {
      "content-type": "image/png",
      "cache-control": "public, max-age=604800, stale-while-revalidate=86400",
    });
  } catch (error) {
    console.error(`Cannot draw "${meme.id}":`, error); // for the owner's log
    c.header("cache-control", "no-store");
    return c.redirect(`/m/${meme.id}/picture.svg`, 302);
  }
}

function toQuery({ template, captions }: Meme): string {
  const texts = captions.map((caption) => ["text", caption]);
  return `?${new URLSearchParams([["template", template], ...texts])}`;
}
