/**
 * The first step of making one's own: choose a template.
 */

import type { Context } from "hono";
import { html } from "hono/html";
import { TEMPLATES } from "../data/templates.ts";
import type { Site, Template } from "../model.ts";
import { type Html, renderPage } from "./layout.ts";

const EAGER_PICTURES = 4;

export function choosePage(c: Context<Site>): Response | Promise<Response> {
  return renderPage(c, {
    title: "Make your own",
    description: "Choose one of twelve drawings, fill its white places, publish.",
    canonical: "/make",
    main: html`<h1>Make your own</h1>
<p class="lead">Step 1 of 2: choose the plate that looks most like your week. The words come next.</p>
<ul class="choices">${TEMPLATES.map(choice)}</ul>`,
  });
}

function choice({ id, title, alt, zones }: Template, index: number): Html {
  return html`<li><a href="/make/${id}">
  <img src="/templates/${id}.svg" width="1200" height="900" alt="${alt}" loading="${index < EAGER_PICTURES ? "eager" : "lazy"}" decoding="async">
  <b>${title}</b> <span>${zones.length} captions</span>
</a></li>
`;
}
