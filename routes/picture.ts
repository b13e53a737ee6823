/**
 * The picture of a meme: the template's drawing with the captions set into its zones, as one SVG file.
 *
 * The drawing comes through the ASSETS binding, so it is stored once for all memes that use it.
 */

import type { Context } from "hono";
import { html } from "hono/html";
import { findTemplate } from "./data/templates.ts";
import { findLettering } from "./lettering.ts";
import type { Env, Meme, Site, Template, Zone } from "./model.ts";
import { notFoundPage } from "./pages/problems.ts";

export async function picture(c: Context<Site, "/m/:id/picture.svg">): Promise<Response> {
  const meme = await c.var.memes.find(c.req.param("id"));
  const template = meme && findTemplate(meme.template);
  if (!template) return notFoundPage(c);
  const drawing = await readDrawing(template, c.env, c.req.url);
  return c.body(await composePicture(drawing, meme, template), 200, {
    "content-type": "image/svg+xml; charset=utf-8",
    "cache-control": "public, max-age=604800, stale-while-revalidate=86400",
  });
}

/** @throws when the platform serves no static files or has no such drawing: the site is then installed wrongly. */
async function readDrawing(template: Template, env: Env, base: string): Promise<string> {
  const path = `/templates/${template.id}.svg`;
  const response = await env.ASSETS?.fetch(new Request(new URL(path, base)));
  if (!response?.ok) throw new Error(`Cannot read "${path}": ${response ? `status ${response.status}` : "no ASSETS"}`);
  return response.text();
}

/** Puts the captions on top of the drawing and names the picture after the meme, for those who do not see it. */
export async function composePicture(drawing: string, meme: Meme, template: Template): Promise<string> {
  const end = drawing.lastIndexOf("</svg>");
  const captions = await Promise.all(template.zones.map((zone, i) => letter(meme.captions[i] ?? "", zone)));
  const title = await html`<title id="t">${meme.title}</title>`;
  return `${drawing.slice(0, end).replace(/<title id="t">.*?<\/title>/s, () => title)}${captions.join("")}</svg>\n`;
}

async function letter(caption: string, zone: Zone): Promise<string> {
  const lettering = findLettering(caption, zone);
  if (!lettering) throw new Error(`Cannot letter "${caption.slice(0, 40)}": it is too long for its zone`);
  const { lines, size, lineHeight } = lettering;
  const centre = zone.x + zone.width / 2;
  // 0.36 em below the middle of a line is where the letters of a serif face stand.
  const first = zone.y + (zone.height - (lines.length - 1) * lineHeight) / 2 + size * 0.36;
  const spans = lines.map(
    (line, i) => html`<tspan x="${centre}" y="${(first + i * lineHeight).toFixed(1)}">${line}</tspan>`,
  );
  return String(
    await html`<text font-family="Georgia, 'Liberation Serif', 'Times New Roman', serif" font-weight="bold" font-size="${size}" text-anchor="middle" fill="${zone.ink === "chalk" ? "#fffdf6" : "#2a2b36"}">${spans}</text>
`,
  );
}
