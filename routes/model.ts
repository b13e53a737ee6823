/**
 * The nouns of Academemes: a template is a picture with empty zones, a meme is a template with words in them.
 *
 * Plain data and no I/O. Where memes are kept is the business of whoever implements `Memes`.
 */

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

export interface Meme {
  /** The last part of its address: lower-case letters, digits and hyphens. */
  readonly id: string;
  /** Counts from 1 in the order of publication: "Fig. 7". */
  readonly number: number;
  readonly title: string;
  /** The id of a template. */
  readonly template: string;
  /** One per zone of the template, in its order. */
  readonly captions: readonly string[];
  readonly tags: readonly string[];
  /** The day of publication, `2026-03-14`. */
  readonly date: string;
  /** Where it comes from, and whom to thank. */
  readonly credit: string;
}

/** What a visitor may ask for. Pages count from 1. */
export interface Selection {
  readonly page: number;
  readonly limit: number;
  readonly tag?: string | undefined;
  /** Words that must all occur in title, captions or tags, in any case. */
  readonly q?: string | undefined;
}

/** One page of a selection, newest first. `pages` is at least 1, also when nothing was found. */
export interface MemePage {
  readonly items: readonly Meme[];
  readonly page: number;
  readonly pages: number;
  readonly total: number;
}

/** Where the memes are. Asynchronous, so that a database can stand behind it. */
export interface Memes {
  /** A page beyond the last one is empty. */
  list(selection: Selection): Promise<MemePage>;
  find(id: string): Promise<Meme | undefined>;
  random(): Promise<Meme | undefined>;
  /** The neighbours in the order of publication. */
  around(meme: Meme): Promise<{ readonly older: Meme | undefined; readonly newer: Meme | undefined }>;
  /** Every tag with its number of memes, most used first. */
  tags(): Promise<readonly { readonly tag: string; readonly count: number }[]>;
}

/** What the platform hands to the app: the names of wrangler.toml. */
export interface Env {
  /** Static files by their path. Absent where nothing serves public/ (plain `deno serve`). */
  readonly ASSETS?: { fetch(input: Request): Promise<Response> };
  readonly SITE_TITLE?: string;
  /** Where the function `caption` answers, `/fn/caption/`. Absent or empty: memes have no PNG. */
  readonly CAPTION_PATH?: string;
}

/** The types of every Hono app of this site. */
export interface Site {
  Bindings: Env;
  Variables: { memes: Memes };
}
