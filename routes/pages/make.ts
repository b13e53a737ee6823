/**
 * The second step of making one's own: the words.
 *
 * The preview is a picture of what was sent last; the button sends the same form by GET, so it needs no script. With
 * public/make.js it follows the typing.
 */

import type { Context } from "hono";
import { html } from "hono/html";
import { LIMITS, type Typed } from "../draft.ts";
import type { Site, Template } from "../model.ts";
import type { Fault, ProblemStatus } from "../problem.ts";
import { type Html, renderPage } from "./layout.ts";

export interface FormState {
  readonly template: Template;
  readonly typed: Typed;
  /** Named like the fields; `form` is about all of it. */
  readonly faults: readonly Fault[];
}

const PLACES = ["First", "Second", "Third", "Fourth"] as const;

export function formPage(c: Context<Site>, state: FormState, status: 200 | ProblemStatus = 200) {
  const { template, typed, faults } = state;
  const path = `/make/${template.id}`;
  const page = {
    // Read out first, so it tells first that something is wrong.
    title: `${faults.length > 0 ? "Major revisions · " : ""}Make your own: ${template.title}`,
    description: `Write into “${template.title}” and publish it.`,
    ...(new URL(c.req.url).search === "" && status === 200 && { canonical: path }),
    script: "/make.js",
    main: html`<h1>Make your own</h1>
<p class="lead">Step 2 of 2: the words for “${template.title}”. Or <a href="/make">choose another plate</a>.</p>
${faults.length > 0 && summary(faults)}
<form class="make" id="form" action="${path}" method="post">
  <figure class="make-preview">
    <img src="${toPicturePath(path, typed)}" width="1200" height="900" alt="${describe(template, typed)}" data-preview>
    <figcaption><b>Preview.</b> <span>The white places are filled from left to right, from top to bottom.</span></figcaption>
  </figure>
  <div class="make-fields">
    <fieldset>
      <legend>Captions</legend>
      ${template.zones.map((_, i) =>
        field(state, {
          name: "caption",
          id: `caption-${i + 1}`,
          label: `${PLACES[i] ?? i + 1} caption`,
          value: typed.captions[i] ?? "",
          max: LIMITS.caption,
        }),
      )}
    </fieldset>
    <fieldset>
      <legend>Particulars</legend>
      ${field(state, { name: "title", id: "title", label: "Title", value: typed.title, max: LIMITS.title, isRequired: true, hint: "As for a paper: it should sound more serious than it is." })}
      ${field(state, { name: "tags", id: "tags", label: "Keywords", value: typed.tags.join(","), max: MAX_TAGS_CHARACTERS, isRequired: true, hint: `Up to ${LIMITS.tags}, with commas between: coffee, peer review` })}
      ${field(state, { name: "credit", id: "credit", label: "Credit", value: typed.credit, max: LIMITS.credit, hint: "Whom to thank, or blame. Leave it empty to stay anonymous." })}
    </fieldset>
    <p class="make-buttons">
      <button formmethod="get" formnovalidate name="preview" value="1">Preview</button>
      <button class="primary">Publish</button>
    </p>
    <p class="hint">Publishing is for good and for everybody. Laugh with people, not at them.</p>
  </div>
</form>`,
  };
  return renderPage(c, page, status);
}

const MAX_TAGS_CHARACTERS = LIMITS.tags * (LIMITS.tag + 2);

/** All faults at once, each a link to its field; the keyboard goes on from here. */
function summary(faults: readonly Fault[]): Html {
  return html`<div class="faults" role="alert" tabindex="-1" autofocus><p><b>Major revisions:</b></p><ul>
  ${faults.map(({ name, reason }) => html`<li><a href="#${name}">${toLabel(name)}</a> ${reason}.</li>`)}
</ul></div>`;
}

interface Field {
  readonly name: string;
  readonly id: string;
  readonly label: string;
  readonly value: string;
  readonly max: number;
  readonly hint?: string;
  readonly isRequired?: boolean;
}

function field({ faults }: FormState, { name, id, label, value, max, hint, isRequired }: Field): Html {
  const fault = faults.find((each) => each.name === id);
  const describedBy = [fault && `${id}-fault`, hint && `${id}-hint`].filter(Boolean).join(" ");
  return html`<div class="field">
        <label for="${id}">${label}</label>
        ${fault && html`<p class="fault" id="${id}-fault">${label} ${fault.reason}.</p>`}
        <input id="${id}" name="${name}" value="${value}" maxlength="${max}" autocomplete="off" ${isRequired && html`required`} ${describedBy && html`aria-describedby="${describedBy}"`} ${fault && html`aria-invalid="true"`}>
        ${hint && html`<p class="hint" id="${id}-hint">${hint}</p>`}
      </div>`;
}

function toLabel(name: string): string {
  const place = /^caption-(\d)$/.exec(name)?.[1];
  if (place !== undefined) return `${PLACES[Number(place) - 1]} caption`;
  return { title: "Title", tags: "Keywords", credit: "Credit", form: "The reviewers are tired" }[name] ?? name;
}

function toPicturePath(path: string, { captions, title }: Typed): string {
  const fields = [...captions.map((caption) => ["caption", caption]), ["title", title]];
  return `${path}/picture.svg${[...captions, title].some(Boolean) ? `?${new URLSearchParams(fields)}` : ""}`;
}

function describe({ alt }: Template, { captions }: Typed): string {
  const said = captions.filter(Boolean).join(" / ");
  return said ? `${alt} It says: ${said}` : alt;
}
