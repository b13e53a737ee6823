/**
 * The tables of the site, as drizzle knows them. migrations/academemes makes them, by hand: what counts and indexes is
 * done there by triggers, and the search index is a virtual table, of which drizzle's own generator knows nothing.
 */

import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const memes = sqliteTable(
  "memes",
  {
    number: integer().primaryKey({ autoIncrement: true }),
    id: text().notNull().unique(),
    title: text().notNull(),
    template: text().notNull(),
    captions: text({ mode: "json" }).$type<readonly string[]>().notNull(),
    tags: text({ mode: "json" }).$type<readonly string[]>().notNull(),
    published: text().notNull(),
    credit: text().notNull(),
    /** How many rows `votes` has for it; written by triggers. */
    votes: integer().notNull().default(0),
  },
  (table) => [index("memes_by_votes").on(table.votes, table.number)],
);

/** One row per tag of a meme; written by triggers. */
export const memeTags = sqliteTable(
  "meme_tags",
  {
    tag: text().notNull(),
    meme: integer()
      .notNull()
      .references(() => memes.number, { onDelete: "cascade" }),
  },
  (table) => [primaryKey({ columns: [table.tag, table.meme] }), index("meme_tags_by_meme").on(table.meme)],
);

/** How many memes have each tag; written by triggers. */
export const tags = sqliteTable("tags", { tag: text().primaryKey(), memes: integer().notNull() }, (table) => [
  index("tags_by_memes").on(table.memes, table.tag),
]);

/** One per visitor and meme: the primary key is what makes it one. */
export const votes = sqliteTable(
  "votes",
  {
    meme: integer()
      .notNull()
      .references(() => memes.number, { onDelete: "cascade" }),
    visitor: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.meme, table.visitor] })],
);

/** One row about the whole: how many memes there are, and a number that every change raises. */
export const collection = sqliteTable("collection", {
  only: integer().primaryKey(),
  version: integer().notNull(),
  memes: integer().notNull(),
});

/** How often a client did something in the present window of time. `client` is a salted hash of an address. */
export const takings = sqliteTable(
  "takings",
  {
    client: text().notNull(),
    action: text().notNull(),
    window: integer().notNull(),
    count: integer().notNull(),
  },
  (table) => [primaryKey({ columns: [table.client, table.action] }), index("takings_by_window").on(table.window)],
);

/** The salt of each day's hashes, thrown away after it. */
export const salts = sqliteTable("salts", { day: integer().primaryKey(), salt: text().notNull() });

/** The FTS5 index over title, captions and tags: asked by SQL alone, so drizzle needs its names only. */
export const memesSearch = sqliteTable("memes_search", { rowid: integer().notNull() });
