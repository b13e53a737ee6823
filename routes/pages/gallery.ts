/**
 * The gallery: the newest figures, or those with a tag or some words, page by page.
 */

import type { Context } from "hono";
import { html } from "hono/html";
import type { Meme, MemePage, Selection, Site, TagCount } from "../model.ts";
import { PAGE_MEMES, parseSelection } from "../query.ts";
import { pictureOf, tagLinks, toTagPath, verdictOf } from "./figure.ts";
import { type Html, renderPage } from "./layout.ts";
import { notFoundPage } from "./problems.ts";

const EAGER_PICTURES = 3;

export async function galleryPage(c: Context<Site>): Promise<Response> {
  const { limit: _, ...query } = c.req.query();
  const parsed = parseSelection(query);
  if (!parsed.ok) return notFoundPage(c);
  const selection = { ...parsed.selection, limit: PAGE_MEMES };
  const found = await c.var.memes.list(selection);
  if (found.page > found.pages) return notFoundPage(c);

  const heading = toHeading(selection);
  const { page, pages } = found;
  return renderPage(c, {
    ...((heading || page > 1) && { title: `${heading || "Figures"}${page > 1 ? `, page ${page}` : ""}` }),
    description: "Academic memes, drawn and captioned for those who should be writing.",
    canonical: toPath(selection, page),
    previous: page > 1 ? toPath(selection, page - 1) : undefined,
    next: page < pages ? toPath(selection, page + 1) : undefined,
    main: html`${intro(heading, found)}
${searchForm(selection)}
${found.total > 1 && orders(selection)}
${found.total === 0 ? nothingFound() : html`<ol class="gallery">${found.items.map(card)}</ol>`}
${pager(selection, found)}
${tagIndex(found.tags, selection)}`,
  });
}

function intro(heading: string, { total }: MemePage): Html {
  if (heading) return html`<h1>${heading}</h1><p class="count">${total === 1 ? "1 figure" : `${total} figures`}</p>`;
  return html`<section class="abstract" aria-labelledby="abstract">
  <h1 id="abstract">Abstract</h1>
  <p>We present ${total} figures on the condition of those who should be writing. Each was drawn by hand, captioned in
  earnest and accepted without revisions. The effect on productivity is significant (<i>p</i>&nbsp;&lt;&nbsp;0.05, one-sided, wrong
  side).<sup>*</sup></p>
</section>`;
}

function searchForm({ q, tag, order }: Selection): Html {
  return html`<search><form class="search" action="/" method="get">
  <label for="q">Search the figures</label>
  <input id="q" name="q" type="search" value="${q ?? ""}" maxlength="100" autocomplete="off">
  ${tag && html`<input type="hidden" name="tag" value="${tag}">`}
  ${order && html`<input type="hidden" name="order" value="${order}">`}
  <button>Search</button>
</form></search>`;
}

function tagIndex(tags: readonly TagCount[], { tag: current, q }: Selection): Html {
  return html`<nav class="tags" aria-label="Keywords"><span aria-hidden="true">Keywords: </span><ul>
  <li><a href="/" ${current === undefined && q === undefined ? html`aria-current="true"` : ""}>all</a></li>${tags.map(({ tag, count }) => html`<li><a href="${toTagPath(tag)}" ${tag === current ? html`aria-current="true"` : ""}>${tag}</a> <small>${count}</small></li>`)}
</ul></nav>`;
}

function orders(selection: Selection): Html {
  const { order, q } = selection;
  const link = (name: string, to: Selection["order"]) =>
    html`<li><a href="${toPath({ ...selection, order: to }, 1)}" ${order === to ? html`aria-current="true"` : ""}>${name}</a></li>`;
  return html`<nav class="orders" aria-label="Order"><ul>
  ${link(q === undefined ? "newest" : "most relevant", undefined)}
  ${link("most accepted", "top")}
</ul></nav>`;
}

function card(meme: Meme, index: number): Html {
  return html`<li><figure>
  <a href="/m/${meme.id}">${pictureOf(meme, index < EAGER_PICTURES ? "eager" : "lazy")}</a>
  <figcaption><b>Fig. ${meme.number}.</b> <a href="/m/${meme.id}">${meme.title}</a>. <span class="keywords">${tagLinks(meme.tags)}</span>${meme.votes > 0 && html` <span class="votes">${verdictOf(meme)}.</span>`}</figcaption>
</figure></li>
`;
}

function nothingFound(): Html {
  return html`<p class="nothing">No figure matches. Absence of evidence is not evidence of absence, but
  <a href="/">the whole collection</a> may console you, or <a href="/make">one of your own</a>.</p>`;
}

function pager(selection: Selection, { page, pages }: MemePage): Html {
  if (pages === 1) return html``;
  return html`<nav class="pager" aria-label="Pages">
  ${page > 1 ? html`<a rel="prev" href="${toPath(selection, page - 1)}">← Newer</a>` : html`<span></span>`}
  <span>Page ${page} of ${pages}</span>
  ${page < pages ? html`<a rel="next" href="${toPath(selection, page + 1)}">Older →</a>` : html`<span></span>`}
</nav>`;
}

function toHeading({ q, tag, order }: Selection): string {
  return [tag && `Keyword: ${tag}`, q && `Search: ${q}`, order && "Most accepted"].filter(Boolean).join(" · ");
}

/** The shortest address of a page of this selection. */
function toPath({ q, tag, order }: Selection, page: number): string {
  const query = new URLSearchParams();
  if (tag) query.set("tag", tag);
  if (q) query.set("q", q);
  if (order) query.set("order", order);
  if (page > 1) query.set("page", String(page));
  return query.size > 0 ? `/?${query}` : "/";
}
