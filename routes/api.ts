/**
 * The collection for programs: JSON, and problem+json when something is wrong.
 *
 *     GET /api/memes?page=1&limit=9&tag=coffee&q=oracle   →  { items, page, pages, total }
 *     GET /api/memes/:id                                  →  one meme
 *     GET /api/templates                                  →  { items }
 */

import { type Context, Hono } from "hono";
import { TEMPLATES } from "./data/templates.ts";
import type { Meme, Site } from "./model.ts";
import { findPreview } from "./preview.ts";
import { problem } from "./problem.ts";
import { parseSelection } from "./query.ts";

export const api = new Hono<Site>();

// Anyone may read, from any page: there is nothing here that belongs to a visitor.
api.use(async (c, next) => {
  await next();
  c.header("access-control-allow-origin", "*");
  c.header("cross-origin-resource-policy", "cross-origin");
  if (c.res.status === 200) c.header("cache-control", "public, max-age=60");
});

api.get("/memes", async (c) => {
  const parsed = parseSelection(c.req.query());
  if (!parsed.ok) return problem(c, 400, "The query has parameters that cannot be used", parsed.faults);
  const { items, ...counts } = await c.var.memes.list(parsed.selection);
  return c.json({ items: items.map((meme) => toResource(meme, c)), ...counts });
});

api.get("/memes/:id", async (c) => {
  const meme = await c.var.memes.find(c.req.param("id"));
  return meme ? c.json(toResource(meme, c)) : problem(c, 404, "There is no meme with this id");
});

api.get("/templates", (c) => {
  const items = TEMPLATES.map((template) => ({
    ...template,
    picture: new URL(`/templates/${template.id}.svg`, c.req.url).href,
  }));
  return c.json({ items });
});

/** A meme with absolute addresses of its page and picture, and of its PNG where something draws it. */
function toResource(meme: Meme, c: Context<Site>): Meme & { url: string; picture: string; preview?: string } {
  const url = new URL(`/m/${meme.id}`, c.req.url).href;
  const preview = findPreview(meme, c.env);
  const resource = { ...meme, url, picture: `${url}/picture.svg` };
  return preview === undefined ? resource : { ...resource, preview: new URL(preview, c.req.url).href };
}
