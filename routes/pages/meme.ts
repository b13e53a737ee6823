/**
 * One meme: the figure in full, its particulars, how to cite it, and its neighbours.
 */

import type { Context } from "hono";
import { html } from "hono/html";
import { findTemplate } from "../data/templates.ts";
import type { Meme, Site } from "../model.ts";
import { findPng } from "../preview.ts";
import { findVisitor } from "../visitor.ts";
import { dateOf, describeMeme, joinCaptions, pictureOf, tagLinks, verdictOf } from "./figure.ts";
import { type Html, renderPage } from "./layout.ts";
import { notFoundPage } from "./problems.ts";

export async function memePage(c: Context<Site, "/m/:id">): Promise<Response> {
  const visitor = findVisitor(c);
  const shown = await c.var.memes.show(c.req.param("id"), visitor);
  if (!shown) return notFoundPage(c);
  const { meme, older, newer, voted } = shown;
  const path = `/m/${meme.id}`;
  const png = findPng(meme, c.env);
  c.header("vary", "cookie");
  return renderPage(c, {
    title: meme.title,
    description: joinCaptions(meme),
    canonical: path,
    isPersonal: visitor !== undefined,
    image: png
      ? { path: png, type: "image/png", alt: describeMeme(meme) }
      : { path: `${path}/picture.svg`, type: "image/svg+xml", alt: describeMeme(meme) },
    previous: newer && `/m/${newer.id}`,
    next: older && `/m/${older.id}`,
    main: html`<article class="plate">
  <h1>${meme.title}</h1>
  <figure>
    ${pictureOf(meme, "eager")}
    <figcaption><b>Fig. ${meme.number}.</b> ${joinCaptions(meme)}<sup><a href="#note" id="ref" aria-label="Note on the source">†</a></sup></figcaption>
  </figure>
  ${verdict(meme, voted)}
  ${particulars(meme, png)}
  <p class="footnote" id="note"><sup>†</sup> ${meme.credit}. <a href="#ref" aria-label="Back to the caption">↩</a></p>
  ${citation(meme, new URL(path, c.req.url).href)}
</article>
${neighbours(older, newer)}`,
  });
}

function verdict(meme: Meme, voted: boolean): Html {
  return html`<form class="verdict" id="verdict" action="/m/${meme.id}/vote" method="post">
    <p><b>${meme.votes}</b> <span>${verdictOf(meme)}${voted ? ", you among them" : ""}.</span></p>
    <button name="vote" value="${voted ? "retract" : "accept"}">${voted ? "Retract my acceptance" : "Accept without revisions"}</button>
  </form>`;
}

function particulars(meme: Meme, png: string | undefined): Html {
  const template = findTemplate(meme.template);
  return html`<dl class="particulars">
    <div><dt>Published</dt><dd>${dateOf(meme)}</dd></div>
    <div><dt>Keywords</dt><dd>${tagLinks(meme.tags)}</dd></div>
    ${template && html`<div><dt>Template</dt><dd><a href="/make/${template.id}">${template.title}</a></dd></div>`}
    <div><dt>Picture</dt><dd><a href="/m/${meme.id}/picture.svg">SVG</a>${png && html`, <a href="${png}" download="${meme.id}.png">PNG</a>`}</dd></div>
  </dl>`;
}

function citation(meme: Meme, url: string): Html {
  const year = meme.published.slice(0, 4);
  return html`<details class="cite"><summary>Cite this figure</summary>
<pre tabindex="0"><code>@misc{academemes${meme.number},
  title        = {${meme.title.replace(/[{}\\]/g, "")}},
  howpublished = {Academemes, Fig. ${meme.number}},
  year         = {${year}},
  url          = {${url}}
}</code></pre></details>`;
}

function neighbours(older: Meme | undefined, newer: Meme | undefined): Html {
  return html`<nav class="pager" aria-label="Neighbouring figures">
  ${newer ? html`<a rel="prev" href="/m/${newer.id}">← Fig. ${newer.number}</a>` : html`<span></span>`}
  <a href="/random">Random</a>
  ${older ? html`<a rel="next" href="/m/${older.id}">Fig. ${older.number} →</a>` : html`<span></span>`}
</nav>`;
}
