/**
 * The collection for programs: JSON, and problem+json when something is wrong. openapi.ts describes it.
 *
 *     GET    /api/memes?page=1&limit=9&order=top&tag=coffee&q=oracle   →  { items, page, pages, total }
 *     POST   /api/memes                                                →  201, the new meme
 *     GET    /api/memes/:id                                            →  one meme
 *     PUT    /api/memes/:id/vote                                       →  { votes, voted: true }
 *     DELETE /api/memes/:id/vote                                       →  { votes, voted: false }
 *     GET    /api/tags, /api/templates                                 →  { items }
 */

import { type Context, Hono } from "hono";
import { TEMPLATES } from "./data/templates.ts";
import { parseDraft, type Typed } from "./draft.ts";
import type { Meme, Site } from "./model.ts";
import { describeApi } from "./openapi.ts";
import { findPng } from "./preview.ts";
import { problem } from "./problem.ts";
import { parseSelection } from "./query.ts";
import { findAddress, openVisitor } from "./visitor.ts";

export const api = new Hono<Site>();

// Anyone may read, from any page: there is nothing here that belongs to a visitor. Writing is another matter: a browser asks
// first whether another site's page may PUT, DELETE or POST JSON, and gets no leave, because nothing answers OPTIONS.
api.use(async (c, next) => {
  await next();
  if (c.req.method !== "GET") return;
  c.header("access-control-allow-origin", "*");
  c.header("cross-origin-resource-policy", "cross-origin");
  if (c.res.status === 200) c.header("cache-control", "public, max-age=60");
});

api.get("/memes", async (c) => {
  const parsed = parseSelection(c.req.query());
  if (!parsed.ok) return problem(c, 400, "The query has parameters that cannot be used", parsed.faults);
  const { items, page, pages, total } = await c.var.memes.list(parsed.selection);
  return c.json({ items: items.map((meme) => toResource(meme, c)), page, pages, total });
});

api.post("/memes", async (c) => {
  if (!/^application\/json\b/i.test(c.req.header("content-type") ?? "")) {
    return problem(c, 415, "A meme is sent as application/json");
  }
  const typed = toTyped(await c.req.json().catch(() => undefined));
  if (!typed) return problem(c, 400, "The body is not a JSON object with template, title, captions and tags");
  const parsed = parseDraft(typed);
  if (!parsed.ok) return problem(c, 422, "The meme cannot be published as it is", parsed.faults);
  const waitSeconds = await c.var.memes.take("publish", findAddress(c));
  if (waitSeconds !== undefined) return tooMany(c, waitSeconds);
  const resource = toResource(await c.var.memes.publish(parsed.draft), c);
  return c.json(resource, 201, { location: resource.url, "cache-control": "no-store" });
});

api.get("/memes/:id", async (c) => {
  const meme = await c.var.memes.find(c.req.param("id"));
  return meme ? c.json(toResource(meme, c)) : problem(c, 404, "There is no meme with this id");
});

api.on(["PUT", "DELETE"], "/memes/:id/vote", async (c) => {
  const waitSeconds = await c.var.memes.take("vote", findAddress(c));
  if (waitSeconds !== undefined) return tooMany(c, waitSeconds);
  const voted = c.req.method === "PUT";
  const votes = await c.var.memes.vote(c.req.param("id"), openVisitor(c), voted);
  if (votes === undefined) return problem(c, 404, "There is no meme with this id");
  return c.json({ votes, voted }, 200, { "cache-control": "no-store" });
});

api.get("/tags", async (c) => c.json({ items: await c.var.memes.tags() }));

api.get("/templates", (c) => {
  const items = TEMPLATES.map((template) => ({
    ...template,
    picture: new URL(`/templates/${template.id}.svg`, c.req.url).href,
  }));
  return c.json({ items });
});

api.get("/openapi.json", (c) => c.json(describeApi(new URL("/", c.req.url).href)));

/** A meme with the absolute addresses of its page and pictures; of the PNG only where something draws it. */
function toResource(meme: Meme, c: Context<Site>): Meme & { url: string; picture: string; png?: string } {
  const url = new URL(`/m/${meme.id}`, c.req.url).href;
  const png = findPng(meme, c.env);
  const resource = { ...meme, url, picture: `${url}/picture.svg` };
  return png === undefined ? resource : { ...resource, png: new URL(png, c.req.url).href };
}

function tooMany(c: Context<Site>, waitSeconds: number): Response {
  c.header("retry-after", String(waitSeconds));
  return problem(c, 429, `That was too much within the hour; it is possible again in ${waitSeconds} s`);
}

/** What was sent, if it has the right types; what it says is checked by `parseDraft`. */
function toTyped(sent: unknown): Typed | undefined {
  if (typeof sent !== "object" || sent === null) return undefined;
  const { template, title, captions, tags, credit = "" } = sent as Record<keyof Typed, unknown>;
  const isText = (value: unknown): value is string => typeof value === "string";
  const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every(isText);
  if (!isText(template) || !isText(title) || !isText(credit) || !isTexts(captions) || !isTexts(tags)) return undefined;
  return { template, title, captions, tags, credit };
}
