/**
 * What this is, how it works, and how to take part.
 */

import type { Context } from "hono";
import { html } from "hono/html";
import type { Site } from "../model.ts";
import { renderPage } from "./layout.ts";

export function aboutPage(c: Context<Site>): Response | Promise<Response> {
  return renderPage(c, {
    title: "About",
    description: "What Academemes is, and how it is made.",
    canonical: "/about",
    main: html`<article class="prose">
<h1>About this journal</h1>
<h2><span>1</span> Introduction</h2>
<p>Academemes collects the jokes that keep research going: the ones told at the coffee machine, drawn on the back of a
draft, or typed by a cat. The literature on the subject is vast and mostly in the margins of other literature.</p>
<h2><span>2</span> Methods</h2>
<p>Every figure is one of <a href="/templates">twelve plates</a> with words set into it when you ask for it. The page you
read is made by a small function at the edge of the network; the plates and the style sheet are plain files beside it.
Nothing is loaded from anywhere else. Who only reads gets no cookie; who votes gets one random number, so that each has one
vote. Of your address we keep, for a day, a hash that nobody can turn back. There is no third party to share it with.</p>
<h2><span>3</span> Call for papers</h2>
<p><a href="/make">Make your own</a>: choose a plate, fill its white places, publish. Your figure gets a number, an address
and pictures to take along. Peer review is by button.</p>
<h2><span>4</span> Results</h2>
<p>All figures are available to programs:</p>
<ul>
  <li><a href="/api/memes"><code>/api/memes</code></a>, with <code>page</code>, <code>limit</code>, <code>order</code>, <code>tag</code> and <code>q</code>;</li>
  <li><a href="/api/templates"><code>/api/templates</code></a>, the plates and their empty zones;</li>
  <li><a href="/api/openapi.json"><code>/api/openapi.json</code></a>, all that can be asked, in OpenAPI 3.1;</li>
  <li><a href="/feed.xml"><code>/feed.xml</code></a>, the newest, for feed readers.</li>
</ul>
<p>On the page of a figure the arrow keys <kbd>←</kbd> and <kbd>→</kbd> turn the pages.</p>
<h2><span>5</span> Ethics</h2>
<p>We laugh with people, not at them. No student, reviewer, owl or rat was harmed. The mouse passed.</p>
<h2><span>6</span> Conflicts of interest</h2>
<p>The authors have a thesis to finish.</p>
</article>`,
  });
}
