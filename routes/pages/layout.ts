/**
 * The frame of every page: head, masthead, main, colophon.
 */

import type { Context } from "hono";
import { html } from "hono/html";
import type { HtmlEscapedString } from "hono/utils/html";
import type { Site } from "../model.ts";
import type { ProblemStatus } from "../problem.ts";

export type Html = HtmlEscapedString | Promise<HtmlEscapedString>;

export interface Page {
  /** Of this page alone; the name of the site is added. */
  readonly title?: string;
  readonly description: string;
  readonly main: Html;
  /** Path and query of the one address of this page. Without it the page is not for search engines. */
  readonly canonical?: string;
  /** Path of the picture shown where the page is shared. */
  readonly image?: { readonly path: string; readonly type: string; readonly alt: string };
  /** Path of a script of this page alone; the page must do without it. */
  readonly script?: string;
  /** For one visitor only: nobody between may keep it for others. */
  readonly isPersonal?: boolean;
  /** Paths of the pages before and after it in a series. */
  readonly previous?: string | undefined;
  readonly next?: string | undefined;
}

const SECTIONS = [
  ["/", "Figures"],
  ["/make", "Make one"],
  ["/templates", "Templates"],
  ["/random", "Random"],
  ["/about", "About"],
] as const;

/** Answers with a whole page. Browsers may keep it but ask each time, which the ETag makes cheap. */
export function renderPage(
  c: Context<Site>,
  page: Page,
  status: 200 | ProblemStatus = 200,
): Response | Promise<Response> {
  const whose = page.isPersonal ? "private" : "public";
  c.header("cache-control", status === 200 ? `${whose}, max-age=0, must-revalidate` : "no-store");
  return c.html(layout(page, c.env?.SITE_TITLE ?? "Academemes", c.req.url), status);
}

function layout(page: Page, site: string, url: string): Html {
  const title = page.title ? `${page.title} · ${site}` : `${site}: figures for the tired mind`;
  const { pathname } = new URL(url);
  return html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>${title}</title>
    <meta name="description" content="${page.description}">
    <link rel="stylesheet" href="/style.css">
    <link rel="icon" href="/icon.svg" type="image/svg+xml">
    <link rel="alternate" href="/feed.xml" type="application/atom+xml" title="${site}">
    ${page.previous && html`<link rel="prev" href="${page.previous}">`}
    ${page.next && html`<link rel="next" href="${page.next}">`}
    ${shareTags(page, title, site, url)}
    <script src="/arrows.js" defer></script>
    ${page.script && html`<script src="${page.script}" defer></script>`}
  </head>
  <body>
    <a class="skip" href="#main">Skip to the content</a>
    <header class="masthead ${page.title === undefined ? "masthead-large" : ""}">
      <p class="masthead-line"><span>Vol. 1</span> <span>Not peer reviewed</span> <span>Open access</span></p>
      <p class="masthead-title"><a href="/">${site}</a></p>
      <p class="masthead-motto">Proceedings of the Society for Productive Procrastination</p>
      <nav aria-label="Site">
        <ul>${SECTIONS.map(([path, name]) => html`<li><a href="${path}" ${currentOf(path, pathname)}>${name}</a></li>`)}</ul>
      </nav>
    </header>
    <main id="main" tabindex="-1">
${page.main}
    </main>
    <footer class="colophon">
      <p><sup>*</sup> Corresponding author: the cat. No rats were interviewed without consent.</p>
      <p>All drawings were made for ${site}. <a href="/feed.xml">Feed</a>, <a href="/api/openapi.json">API</a>.</p>
    </footer>
  </body>
</html>
`;
}

/** A section is current on the pages below it too. */
function currentOf(section: string, pathname: string): Html | undefined {
  if (section === pathname) return html`aria-current="page"`;
  return pathname.startsWith(`${section}/`) ? html`aria-current="true"` : undefined;
}

function shareTags(page: Page, title: string, site: string, url: string): Html {
  if (page.canonical === undefined) return html`<meta name="robots" content="noindex">`;
  const toAbsolute = (path: string) => new URL(path, url).href;
  return html`<link rel="canonical" href="${toAbsolute(page.canonical)}">
    <meta property="og:type" content="${page.image ? "article" : "website"}">
    <meta property="og:site_name" content="${site}">
    <meta property="og:title" content="${page.title ?? title}">
    <meta property="og:description" content="${page.description}">
    <meta property="og:url" content="${toAbsolute(page.canonical)}">
    ${
      page.image &&
      html`<meta property="og:image" content="${toAbsolute(page.image.path)}">
    <meta property="og:image:type" content="${page.image.type}">
    <meta property="og:image:width" content="1200">
    <meta property="og:image:height" content="900">
    <meta property="og:image:alt" content="${page.image.alt}">
    <meta name="twitter:card" content="summary_large_image">
    <meta name="twitter:title" content="${page.title ?? title}">
    <meta name="twitter:description" content="${page.description}">
    <meta name="twitter:image" content="${toAbsolute(page.image.path)}">
    <meta name="twitter:image:alt" content="${page.image.alt}">`
    }`;
}
