/**
 * The pages for when there is no page: not found, refused, and broken.
 */

import type { Context } from "hono";
import { html } from "hono/html";
import type { Site } from "../model.ts";
import type { ProblemStatus } from "../problem.ts";
import { renderPage } from "./layout.ts";

/** A title, and what it means for whoever reads it. */
const SAID: Readonly<Record<Exclude<ProblemStatus, 404>, readonly [string, string]>> = {
  400: ["Submission unclear", "The form did not say what you want. Go back, reload the page, and try again."],
  403: [
    "Undeclared affiliation",
    "The form was sent from a page of another site, so it was not accepted. If you did send it here, go back and reload the page first.",
  ],
  413: [
    "Manuscript too long",
    "That is more text than a figure holds. A shorter version may be submitted as a letter.",
  ],
  415: ["Wrong format", "Submissions are taken from the form alone, please not as a scan of a fax."],
  422: ["Major revisions", "Something in the form needs another look."],
  429: [
    "Too many submissions",
    "That was a lot within the hour, from your address. The reviewers ask for a break; please come back later.",
  ],
  500: ["Erratum", "Something went wrong on our side. The authors regret the error and blame the cat."],
};

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

/** Says what a visitor can do about it. What went wrong on our side stands in the owner's log and nowhere else. */
export function failurePage(c: Context<Site>, status: ProblemStatus): Response | Promise<Response> {
  if (status === 404) return notFoundPage(c);
  const [title, description] = SAID[status];
  const main = html`<section class="problem">
  <p class="status" aria-hidden="true">[${status}]</p>
  <h1>${title}</h1>
  <p>${description}</p>
  <p><a href="/">Return to the figures</a></p>
</section>`;
  return renderPage(c, { title, description, main }, status);
}
