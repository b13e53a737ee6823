/**
 * A meme as a numbered figure, and in words.
 */

import { html } from "hono/html";
import { findTemplate } from "../data/templates.ts";
import type { Meme } from "../model.ts";
import type { Html } from "./layout.ts";

/** The whole joke in words: what is drawn, then what is written in it. */
export function describeMeme(meme: Meme): string {
  const drawn = findTemplate(meme.template)?.alt ?? "";
  return `${drawn} It says: ${joinCaptions(meme)}`.trim();
}

/** What is written in it, on one line. */
export function joinCaptions({ captions }: Pick<Meme, "captions">): string {
  return captions.filter(Boolean).join(" / ");
}

/** The picture. The first ones of a page should be `eager`, the rest load when they come into view. */
export function pictureOf(meme: Meme, loading: "eager" | "lazy"): Html {
  return html`<img src="/m/${meme.id}/picture.svg" width="1200" height="900" alt="${describeMeme(meme)}" loading="${loading}" decoding="async">`;
}

export function dateOf(meme: Meme): Html {
  const day = meme.published.slice(0, 10);
  const [year, month, dayOfMonth] = day.split("-").map(Number);
  const name = MONTHS[(month ?? 1) - 1];
  return html`<time datetime="${meme.published}">${dayOfMonth} ${name} ${year}</time>`;
}

export function tagLinks(tags: readonly string[]): Html {
  return html`${tags.map((tag, i) => html`${i > 0 ? ", " : ""}<a href="${toTagPath(tag)}" rel="tag">${tag}</a>`)}`;
}

/** Who accepted it so far, in the words of the trade. */
export function verdictOf({ votes }: Meme): string {
  if (votes === 0) return "Awaiting its first reviewer";
  return votes === 1 ? "Accepted by 1 reviewer" : `Accepted by ${votes} reviewers`;
}

export function toTagPath(tag: string): string {
  return `/?${new URLSearchParams({ tag })}`;
}

const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
] as const;
