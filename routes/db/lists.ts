/**
 * The questions behind a page of memes: which ones, and how many there are in all.
 *
 * Without words each is answered from an index in its order; with words by the search index, best match first.
 */

import { and, count, desc, eq, type SQL, sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { Selection } from "../model.ts";
import { collection, memes, memesSearch, memeTags, tags } from "./schema.ts";

/** How much more a word weighs in a title and in a caption than in a tag. */
const RANK = sql`bm25(memes_search, 8.0, 4.0, 2.0)`;

/** The memes of one page. `match` is what `toMatch` makes of `q`. */
export function selectItems(db: DrizzleD1Database, selection: Selection, match: string | undefined) {
  const { page, limit, order, tag } = selection;
  const byOrder = order === "top" ? [desc(memes.votes), desc(memes.number)] : [desc(memes.number)];
  const offset = (page - 1) * limit;
  const all = db.select(COLUMNS);
  if (match !== undefined) {
    const ranked = order === "top" ? byOrder : [RANK, ...byOrder];
    const found = all.from(memesSearch).innerJoin(memes, eq(memes.number, memesSearch.rowid));
    return found
      .where(toCondition(match, tag))
      .orderBy(...ranked)
      .limit(limit)
      .offset(offset);
  }
  if (tag === undefined)
    return all
      .from(memes)
      .orderBy(...byOrder)
      .limit(limit)
      .offset(offset);
  // Ordered by the tag's own column, which is the meme's number: so its index gives the order too.
  const ofTag = order === "top" ? byOrder : [desc(memeTags.meme)];
  const tagged = all.from(memeTags).innerJoin(memes, eq(memes.number, memeTags.meme)).where(eq(memeTags.tag, tag));
  return tagged
    .orderBy(...ofTag)
    .limit(limit)
    .offset(offset);
}

/** One row with how many memes there are on all pages; no row where a tag is unknown. */
export function selectTotal(db: DrizzleD1Database, { tag }: Selection, match: string | undefined) {
  if (match !== undefined)
    return db
      .select({ total: count().as("total") })
      .from(memesSearch)
      .where(toCondition(match, tag));
  const all = sql<number>`${collection.memes}`.as("total");
  const ofTag = sql<number>`${tags.memes}`.as("total");
  if (tag === undefined) return db.select({ total: all }).from(collection).where(eq(collection.only, 1));
  return db.select({ total: ofTag }).from(tags).where(eq(tags.tag, tag));
}

/** By name, because a batch returns rows as objects. */
const COLUMNS = {
  number: memes.number,
  id: memes.id,
  title: memes.title,
  template: memes.template,
  captions: memes.captions,
  tags: memes.tags,
  published: memes.published,
  credit: memes.credit,
  votes: memes.votes,
};

function toCondition(match: string, tag: string | undefined): SQL | undefined {
  const words = sql`memes_search match ${match}`;
  if (tag === undefined) return words;
  const tagged = sql`exists (select 1 from ${memeTags} where ${memeTags.tag} = ${tag} and ${memeTags.meme} = ${memesSearch.rowid})`;
  return and(words, tagged);
}
