/**
 * The plates: all templates, empty, with what they show.
 */

import type { Context } from "hono";
import { html } from "hono/html";
import { TEMPLATES } from "../data/templates.ts";
import type { Site, Template } from "../model.ts";
import { type Html, renderPage } from "./layout.ts";

const ROMAN = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"] as const;

export function templatesPage(c: Context<Site>): Response | Promise<Response> {
  return renderPage(c, {
    title: "Templates",
    description: "Twelve empty plates, drawn for Academemes, waiting for words.",
    canonical: "/templates",
    main: html`<h1>Supplementary material: the plates</h1>
<p class="lead">Twelve scenes drawn for this journal, here without words. They are vector drawings: take one,
<a href="/make">write into the white</a>, and call it a result.</p>
<ol class="gallery">${TEMPLATES.map(plate)}</ol>`,
  });
}

function plate(template: Template, index: number): Html {
  return html`<li id="${template.id}"><figure>
  <a href="/templates/${template.id}.svg"><img src="/templates/${template.id}.svg" width="1200" height="900" alt="${template.alt}" loading="${index < 3 ? "eager" : "lazy"}" decoding="async"></a>
  <figcaption><b>Plate ${ROMAN[index] ?? index + 1}.</b> ${template.title}. <a href="/make/${template.id}">Write into it</a></figcaption>
</figure></li>
`;
}
