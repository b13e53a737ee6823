/**
 * The picture of a meme: the template's drawing with the captions set into its zones, as one SVG file.
 *
 * The drawing comes through the ASSETS binding, so it is stored once for all memes that use it.
 */

import type { Context } from "hono";
import { html } from "hono/html";
import { findTemplate } from "./data/templates.ts";
import { findLettering } from "./lettering.ts";
import type { Env, Site, Template, Zone } from "./model.ts";
import { notFoundPage } from "./pages/problems.ts";

export async function picture(c: Context<Site, "/m/:id/picture.svg">): Promise<Response> {
  const meme = await c.var.memes.find(c.req.param("id"));
  const template = meme && findTemplate(meme.template);
  if (!template) return notFoundPage(c);
  const drawing = await readDrawing(template, c.env, c.req.url);
  return c.body(composePicture(drawing, meme, template), 200, {
    "content-type": "image/svg+xml; charset=utf-8",
    "cache-control": "public, max-age=604800, stale-while-revalidate=86400",
  });
}

/** The drawings never change while a deployment runs, and there are twelve. */
const drawings = new WeakMap<NonNullable<Env["ASSETS"]>, Map<string, string>>();

/** @throws when the platform serves no static files or has no such drawing: the site is then installed wrongly. */
export async function readDrawing(template: Template, env: Env, base: string): Promise<string> {
  const path = `/templates/${template.id}.svg`;
  if (!env.ASSETS) throw new Error(`Cannot read "${path}": no ASSETS`);
  const kept = drawings.get(env.ASSETS) ?? new Map<string, string>();
  drawings.set(env.ASSETS, kept);
  const known = kept.get(path);
  if (known !== undefined) return known;
  const response = await env.ASSETS.fetch(new Request(new URL(path, base)));
  if (!response.ok) throw new Error(`Cannot read "${path}": status ${response.status}`);
  const drawing = await response.text();
  kept.set(path, drawing);
  return drawing;
}

/** Puts the captions on top of the drawing and names the picture after the meme, for those who do not see it. */
export function composePicture(
  drawing: string,
  meme: { readonly title: string; readonly captions: readonly string[] },
  template: Template,
): string {
  const end = drawing.lastIndexOf("</svg>");
  const captions = template.zones.map((zone, i) => letter(meme.captions[i] ?? "", zone));
  const title = `<title id="t">${escapeXml(meme.title)}</title>`;
  return `${drawing.slice(0, end).replace(/<title id="t">.*?<\/title>/s, () => title)}${captions.join("")}</svg>\n`;
}

function letter(caption: string, zone: Zone): string {
  const lettering = findLettering(caption, zone);
  if (!lettering) throw new Error(`Cannot letter "${caption.slice(0, 40)}": it is too long for its zone`);
  const { lines, size, lineHeight } = lettering;
  const centre = zone.x + zone.width / 2;
  // 0.36 em below the middle of a line is where the letters of a serif face stand.
  const first = zone.y + (zone.height - (lines.length - 1) * lineHeight) / 2 + size * 0.36;
  const spans = lines.map(
    (line, i) => `<tspan x="${centre}" y="${(first + i * lineHeight).toFixed(1)}">${escapeXml(line)}</tspan>`,
  );
  const ink = zone.ink === "chalk" ? "#fffdf6" : "#2a2b36";
  return `<text font-family="Georgia, 'Liberation Serif', 'Times New Roman', serif" font-weight="bold" font-size="${size}" text-anchor="middle" fill="${ink}">${spans.join("")}</text>
`;
}

function escapeXml(text: string): string {
  return String(html`${text}`);
}
