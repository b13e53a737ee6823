/**
 * The memes in a D1 database.
 *
 * What belongs together is asked in one batch, and every question has its index. Counting is the triggers' business
 * (migrations/academemes), so that two visitors at once cannot be counted as one.
 */

import { and, asc, desc, eq, gt, lt, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import type { Meme, MemePage, Memes, Selection } from "../model.ts";
import { toSlug } from "../slug.ts";
import type { D1Database } from "./d1.ts";
import { createLimits } from "./limits.ts";
import { selectItems, selectTotal } from "./lists.ts";
import { toMatch } from "./match.ts";
import { collection, memes, tags, votes } from "./schema.ts";

const SHOWN_TAGS = 24;
const MAX_TAGS = 200;
/** What one sitemap may name (https://www.sitemaps.org/protocol.html). */
const MAX_INDEX = 50_000;

/** Opens the memes of a database whose migrations are applied. Nothing is asked yet. `now` is in milliseconds. */
export function openMemes(d1: D1Database, now: () => number = Date.now): Memes {
  const db = drizzle(d1);
  const version = db.select({ version: collection.version }).from(collection).where(eq(collection.only, 1)).prepare();
  const byId = db
    .select()
    .from(memes)
    .where(eq(memes.id, sql.placeholder("id")))
    .prepare();
  const limits = createLimits(db, now);

  const selectTags = (limit: number) =>
    db.select({ tag: tags.tag, count: tags.memes }).from(tags).orderBy(desc(tags.memes), asc(tags.tag)).limit(limit);
  const toNumber = (id: string) => sql`(select ${memes.number} from ${memes} where ${memes.id} = ${id})`;

  return {
    ...limits,
    version: async () => (await version.all())[0]?.version ?? 0,
    list: async (selection) => {
      const match = selection.q === undefined ? undefined : toMatch(selection.q);
      // Words without a letter or a digit are found nowhere.
      if (selection.q !== undefined && match === undefined) {
        return { ...toPage([], 0, selection), tags: await selectTags(SHOWN_TAGS) };
      }
      const [items, counts, shownTags] = await db.batch([
        selectItems(db, selection, match),
        selectTotal(db, selection, match),
        selectTags(SHOWN_TAGS),
      ]);
      return { ...toPage(items, counts[0]?.total ?? 0, selection), tags: shownTags };
    },
    find: async (id) => (await byId.all({ id }))[0],
    show: async (id, visitor) => {
      const number = toNumber(id);
      const all = () => db.select().from(memes);
      const [found, older, newer, voted] = await db.batch([
        all().where(eq(memes.id, id)),
        all().where(lt(memes.number, number)).orderBy(desc(memes.number)).limit(1),
        all().where(gt(memes.number, number)).orderBy(asc(memes.number)).limit(1),
        db
          .select({ meme: votes.meme })
          .from(votes)
          .where(and(eq(votes.meme, number), eq(votes.visitor, visitor ?? ""))),
      ]);
      return found[0] && { meme: found[0], older: older[0], newer: newer[0], voted: voted.length > 0 };
    },
    random: async () => {
      // In a subquery of its own, or there would be another number for each row.
      const some = sql`(select abs(random() % (select max(${memes.number}) from ${memes})) + 1)`;
      return (await db.select().from(memes).where(sql`${memes.number} >= ${some}`).orderBy(memes.number).limit(1))[0];
    },
    tags: () => selectTags(MAX_TAGS),
    index: () =>
      db.select({ id: memes.id, published: memes.published }).from(memes).orderBy(desc(memes.number)).limit(MAX_INDEX),
    publish: async (draft) => {
      const published = `${new Date(now()).toISOString().slice(0, 19)}Z`;
      for (let attempt = 0; attempt < 3; attempt++) {
        const values = { ...draft, id: toSlug(draft.title), published };
        const [meme] = await db.insert(memes).values(values).onConflictDoNothing().returning();
        if (meme) return meme;
      }
      throw new Error("Cannot name a new meme: each id tried is taken");
    },
    vote: async (id, visitor, wanted) => {
      const given = db.select({ meme: memes.number, visitor: sql<string>`${visitor}`.as("visitor") }).from(memes);
      const [, found] = await db.batch([
        wanted
          ? db
              .insert(votes)
              .select(given.where(eq(memes.id, id)))
              .onConflictDoNothing()
          : db.delete(votes).where(and(eq(votes.meme, toNumber(id)), eq(votes.visitor, visitor))),
        db.select({ votes: memes.votes }).from(memes).where(eq(memes.id, id)),
      ]);
      return found[0]?.votes;
    },
  };
}

function toPage(items: readonly Meme[], total: number, { page, limit }: Selection): MemePage {
  return { items, page, pages: Math.max(1, Math.ceil(total / limit)), total };
}
