/**
 * One meme: the figure in full, its particulars, how to cite it, and its neighbours.
 */

import type { Context } from "hono";
import { html } from "hono/html";
import { findTemplate } from "../data/templates.ts";
import type { Meme, Site } from "../model.ts";
import { findPreview } from "../preview.ts";
import { dateOf, describeMeme, pictureOf, tagLinks } from "./figure.ts";
import { type Html, renderPage } from "./layout.ts";
import { notFoundPage } from "./problems.ts";

export async function memePage(c: Context<Site, "/m/:id">): Promise<Response> {
  const meme = await c.var.memes.find(c.req.param("id"));
  if (!meme) return notFoundPage(c);
  const { older, newer } = await c.var.memes.around(meme);
  const path = `/m/${meme.id}`;
  const preview = findPreview(meme, c.env);
  return renderPage(c, {
    title: meme.title,
    description: meme.captions.join(" / "),
    canonical: path,
    image: preview
      ? { path: preview, type: "image/png", alt: describeMeme(meme) }
      : { path: `${path}/picture.svg`, type: "image/svg+xml", alt: describeMeme(meme) },
    previous: newer && `/m/${newer.id}`,
    next: older && `/m/${older.id}`,
    main: html`<article class="plate">
  <h1>${meme.title}</h1>
  <figure>
    ${pictureOf(meme, "eager")}
    <figcaption><b>Fig. ${meme.number}.</b> ${meme.captions.join(" / ")}<sup><a href="#note" id="ref" aria-label="Note on the source">†</a></sup></figcaption>
  </figure>
  ${particulars(meme, preview)}
  <p class="footnote" id="note"><sup>†</sup> ${meme.credit}. <a href="#ref" aria-label="Back to the caption">↩</a></p>
  ${citation(meme, new URL(path, c.req.url).href)}
</article>
${neighbours(older, newer)}`,
  });
}

function particulars(meme: Meme, preview: string | undefined): Html {
  const template = findTemplate(meme.template);
  return html`<dl class="particulars">
    <div><dt>Published</dt><dd>${dateOf(meme)}</dd></div>
    <div><dt>Keywords</dt><dd>${tagLinks(meme.tags)}</dd></div>
    ${template && html`<div><dt>Template</dt><dd><a href="/templates#${template.id}">${template.title}</a></dd></div>`}
    <div><dt>Picture</dt><dd><a href="/m/${meme.id}/picture.svg">SVG</a>${preview && html`, <a href="${preview}" download="${meme.id}.png">PNG</a>`}</dd></div>
  </dl>`;
}

function citation(meme: Meme, url: string): Html {
  const year = meme.date.slice(0, 4);
  return html`<details class="cite"><summary>Cite this figure</summary>
<pre><code>@misc{academemes${meme.number},
  title        = {${meme.title}},
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
