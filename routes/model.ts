/**
 * The nouns of Academemes: a template is a picture with empty zones, a meme is a template with words in them.
 *
 * Plain data and no I/O. Where memes are kept is the business of whoever implements `Memes`.
 */

import type { D1Database } from "./db/d1.ts";

/** A rectangle of a template that holds one caption, in the units of its viewBox (1200 × 900). */
export interface Zone {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** The largest size tried; the text becomes smaller until it fits. */
  readonly size: number;
  /** `chalk` is light text, for dark grounds. */
  readonly ink?: "chalk";
}

export interface Template {
  /** Also the name of the drawing: `public/templates/<id>.svg`. */
  readonly id: string;
  readonly title: string;
  /** What the drawing shows, for those who do not see it. */
  readonly alt: string;
  readonly zones: readonly Zone[];
}

/** What somebody makes up: a meme before it is published. */
export interface Draft {
  readonly title: string;
  /** The id of a template. */
  readonly template: string;
  /** One per zone of the template, in its order; an empty one leaves its zone empty. */
  readonly captions: readonly string[];
  readonly tags: readonly string[];
  /** Where it comes from, and whom to thank. */
  readonly credit: string;
}

export interface Meme extends Draft {
  /** The last part of its address: lower-case letters, digits and hyphens. */
  readonly id: string;
  /** Counts in the order of publication: "Fig. 7". */
  readonly number: number;
  /** When it was published, `2026-03-14T08:00:00Z`. */
  readonly published: string;
  /** How many visitors voted for it. */
  readonly votes: number;
}

/** How a page is ordered: by publication or by votes, in both the first is the largest. */
export type Order = "newest" | "top";

/** What a visitor may ask for. Pages count from 1. */
export interface Selection {
  readonly page: number;
  readonly limit: number;
  readonly order?: Order | undefined;
  readonly tag?: string | undefined;
  /** Words that must all occur in title, captions or tags; the last one may be the beginning of a word. */
  readonly q?: string | undefined;
}

/** One page of a selection. `pages` is at least 1, also when nothing was found. */
export interface MemePage {
  readonly items: readonly Meme[];
  readonly page: number;
  readonly pages: number;
  readonly total: number;
}

export interface TagCount {
  readonly tag: string;
  readonly count: number;
}

/** A meme with its neighbours in the order of publication, and whether the visitor voted for it. */
export interface Shown {
  readonly meme: Meme;
  readonly older: Meme | undefined;
  readonly newer: Meme | undefined;
  readonly voted: boolean;
}

/** What may be done only so often. */
export type Action = "publish" | "vote";

/** Where the memes are. */
export interface Memes {
  /** A number that changes with everything that can be seen of the memes. */
  version(): Promise<number>;
  /** A page of memes, and the most used tags. A page beyond the last one is empty. */
  list(selection: Selection): Promise<MemePage & { readonly tags: readonly TagCount[] }>;
  find(id: string): Promise<Meme | undefined>;
  show(id: string, visitor: string | undefined): Promise<Shown | undefined>;
  random(): Promise<Meme | undefined>;
  /** The most used tags, at most 200. */
  tags(): Promise<readonly TagCount[]>;
  /** Every id with its time of publication, newest first, at most 50 000. */
  index(): Promise<readonly Pick<Meme, "id" | "published">[]>;
  publish(draft: Draft): Promise<Meme>;
  /** Gives the visitor's vote or takes it back; each has one per meme. Returns how many there are then. */
  vote(id: string, visitor: string, wanted: boolean): Promise<number | undefined>;
  /**
   * Counts what the client at this address does. Returns `undefined` when it may, or after how many seconds it may again.
   */
  take(action: Action, address: string): Promise<number | undefined>;
}

/** What the platform hands to the app: the names of wrangler.toml. */
export interface Env {
  /** Static files by their path. */
  readonly ASSETS?: { fetch(input: Request): Promise<Response> };
  readonly DB?: D1Database;
  /** The function `caption`, which draws memes as PNG. Absent: they are SVG only. */
  readonly CAPTION?: { fetch(input: Request): Promise<Response> };
  readonly SITE_TITLE?: string;
}

/** The types of every Hono app of this site. */
export interface Site {
  Bindings: Env;
  Variables: { memes: Memes };
}
