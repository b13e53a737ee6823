/**
 * The picture of a meme: the template's drawing with the captions set into its zones, as one SVG file.
 *
 * The drawing comes through the ASSETS binding, so it is stored once for all memes that use it.
 */

import type { Context } from "hono";
import { html } from "hono/html";
import { findTemplate } from "./data/templates.ts";
import { toEtag } from "./kept.ts";
import { findLettering } from "./lettering.ts";
import type { Env, Site, Template, Zone } from "./model.ts";
import { notFoundPage } from "./pages/problems.ts";

/** Pictures kept, of some 8 KB each. */
const MAX_KEPT = 300;

export async function picture(c: Context<Site, "/m/:id/picture.svg">): Promise<Response> {
  const meme = await c.var.memes.find(c.req.param("id"));
  const template = meme && findTemplate(meme.template);
  if (!template) return notFoundPage(c);
  return answerPicture(c, { template, words: meme, maxAgeSeconds: 604_800 });
}

/** What a picture is made from. */
interface Wish {
  readonly template: Template;
  readonly words: { readonly title: string; readonly captions: readonly string[] };
  /** How long a browser may keep it without asking. */
  readonly maxAgeSeconds: number;
}

/** Answers with the picture. The same words on the same template are drawn once. */
export async function answerPicture(c: Context<Site>, { template, words, maxAgeSeconds }: Wish): Promise<Response> {
  const { ASSETS } = c.env;
  if (!ASSETS) throw new Error("Cannot draw: there is no ASSETS");
  const { drawings, pictures } = kept.get(ASSETS) ?? { drawings: new Map(), pictures: new Map() };
  kept.set(ASSETS, { drawings, pictures });

  const key = JSON.stringify([template.id, words.title, words.captions]);
  let known = pictures.get(key);
  if (!known) {
    const path = `/templates/${template.id}.svg`;
    const drawing = drawings.get(path) ?? (await readDrawing(path, ASSETS, c.req.url));
    drawings.set(path, drawing);
    const bytes = new TextEncoder().encode(composePicture(drawing, words, template));
    known = { bytes, etag: await toEtag(bytes) };
  }
  pictures.delete(key);
  pictures.set(key, known);
  for (const oldest of pictures.keys()) {
    if (pictures.size <= MAX_KEPT) break;
    pictures.delete(oldest);
  }
  return c.body(known.bytes, 200, {
    "content-type": "image/svg+xml; charset=utf-8",
    "cache-control": `public, max-age=${maxAgeSeconds}, stale-while-revalidate=86400`,
    etag: known.etag,
  });
}

type Assets = NonNullable<Env["ASSETS"]>;

interface Kept {
  /** By path. They never change while a deployment runs, and there are twelve. */
  readonly drawings: Map<string, string>;
  /** By their words, the one asked for last at the end. */
  readonly pictures: Map<string, { readonly bytes: Uint8Array<ArrayBuffer>; readonly etag: string }>;
}
const kept = new WeakMap<Assets, Kept>();

/** @throws when there is no such drawing: the site is then installed wrongly. */
async function readDrawing(path: string, assets: Assets, base: string): Promise<string> {
  const response = await assets.fetch(new Request(new URL(path, base)));
  if (!response.ok) throw new Error(`Cannot read "${path}": status ${response.status}`);
  return response.text();
}

/** Puts the captions on top of the drawing and names the picture after the meme, for those who do not see it. */
function composePicture(drawing: string, words: Wish["words"], template: Template): string {
  const end = drawing.lastIndexOf("</svg>");
  const captions = template.zones.map((zone, i) => letter(words.captions[i] ?? "", zone));
  const title = `<title id="t">${escapeXml(words.title)}</title>`;
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
