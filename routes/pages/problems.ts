/**
 * The pages for when there is no page: not found, and broken.
 */

import type { Context } from "hono";
import { html } from "hono/html";
import type { Site } from "../model.ts";
import { renderPage } from "./layout.ts";

export function notFoundPage(c: Context<Site>): Response | Promise<Response> {
  const page = {
    title: "Reference not found",
    description: "There is no page at this address.",
    main: html`<section class="problem">
  <p class="status" aria-hidden="true">[404]</p>
  <h1>Reference not found</h1>
  <p>The work you cite could not be located. It may be in press, in preparation, or in the mind of a supervisor.</p>
  <p><a href="/">Return to the figures</a> or take <a href="/random">a random one</a>.</p>
</section>`,
  };
  return renderPage(c, page, 404);
}

/** Says that it is our fault and nothing else: what went wrong stands in the owner's log. */
export function errorPage(c: Context<Site>): Response | Promise<Response> {
  const page = {
    title: "Erratum",
    description: "Something went wrong on our side.",
    main: html`<section class="problem">
  <p class="status" aria-hidden="true">[500]</p>
  <h1>Erratum</h1>
  <p>Something went wrong on our side. The authors regret the error and blame the cat.</p>
  <p><a href="/">Return to the figures</a></p>
</section>`,
  };
  return renderPage(c, page, 500);
}
