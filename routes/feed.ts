/**
 * The site for feed readers and for search engines: Atom, the sitemap, and robots.txt, which must name it in full.
 *
 * @see https://www.rfc-editor.org/rfc/rfc4287
 * @see https://www.sitemaps.org/protocol.html
 */

import type { Context } from "hono";
import { html } from "hono/html";
import { TEMPLATES } from "./data/templates.ts";
import type { Meme, Site } from "./model.ts";
import { describeMeme, joinCaptions } from "./pages/figure.ts";

const FEED_MEMES = 30;

export async function feed(c: Context<Site>): Promise<Response> {
  const { items } = await c.var.memes.list({ page: 1, limit: FEED_MEMES });
  const toAbsolute = (path: string) => new URL(path, c.req.url).href;
  const text = html`<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en">
<id>${toAbsolute("/")}</id>
<title>${c.env.SITE_TITLE ?? "Academemes"}</title>
<subtitle>Figures for the tired mind</subtitle>
<updated>${items[0]?.published ?? "1970-01-01T00:00:00Z"}</updated>
<icon>${toAbsolute("/icon.svg")}</icon>
<link rel="self" type="application/atom+xml" href="${toAbsolute("/feed.xml")}"/>
<link rel="alternate" type="text/html" href="${toAbsolute("/")}"/>
${items.map((meme) => entry(meme, toAbsolute))}</feed>
`;
  return c.body(String(text), 200, {
    "content-type": "application/atom+xml; charset=utf-8",
    "cache-control": "public, max-age=300",
  });
}

function entry(meme: Meme, toAbsolute: (path: string) => string) {
  const url = toAbsolute(`/m/${meme.id}`);
  const content = html`<p><a href="${url}"><img src="${url}/picture.svg" width="1200" height="900" alt="${describeMeme(meme)}"></a></p>
<p><b>Fig. ${meme.number}.</b> ${joinCaptions(meme)}</p>`;
  return html`<entry>
<id>${url}</id>
<title>${meme.title}</title>
<published>${meme.published}</published>
<updated>${meme.published}</updated>
<author><name>${meme.credit}</name></author>
<link rel="alternate" type="text/html" href="${url}"/>
${meme.tags.map((tag) => html`<category term="${tag}"/>`)}
<content type="html">${String(content)}</content>
</entry>
`;
}

export async function sitemap(c: Context<Site>): Promise<Response> {
  const memes = await c.var.memes.index();
  const pages = ["/", "/make", "/templates", "/about", ...TEMPLATES.map(({ id }) => `/make/${id}`)];
  const toAbsolute = (path: string) => new URL(path, c.req.url).href;
  const text = html`<?xml version="1.0" encoding="utf-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
${pages.map((path) => html`<url><loc>${toAbsolute(path)}</loc></url>\n`)}${memes.map(
  ({ id, published }) =>
    html`<url><loc>${toAbsolute(`/m/${id}`)}</loc><lastmod>${published.slice(0, 10)}</lastmod></url>\n`,
)}</urlset>
`;
  return c.body(String(text), 200, {
    "content-type": "application/xml; charset=utf-8",
    "cache-control": "public, max-age=3600",
  });
}

export function robots(c: Context<Site>): Response {
  const sitemapUrl = new URL("/sitemap.xml", c.req.url).href;
  const text = `User-agent: *\nDisallow: /random\nDisallow: /make/*/picture.svg\n\nSitemap: ${sitemapUrl}\n`;
  return c.text(text, 200, { "cache-control": "public, max-age=86400" });
}
