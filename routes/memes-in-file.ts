/**
 * Memes kept in an array: the first implementation of `Memes`, enough while the collection fits a source file.
 */

import type { Meme, MemePage, Memes, Selection } from "./model.ts";

/** Serves the given memes. `random` returns a number from 0 up to, not including, 1. */
export function createMemesInFile(memes: readonly Meme[], random: () => number = Math.random): Memes {
  const newestFirst = memes.toSorted((a, b) => b.number - a.number);
  const byId = new Map(memes.map((meme) => [meme.id, meme]));
  const byNumber = new Map(memes.map((meme) => [meme.number, meme]));

  return {
    version: async () => 0,
    list: async (selection) => ({
      ...paginate(newestFirst.filter(toFilter(selection)), selection),
      tags: countTags(memes),
    }),
    find: async (id) => byId.get(id),
    show: async (id) => {
      const meme = byId.get(id);
      return meme && { meme, older: byNumber.get(meme.number - 1), newer: byNumber.get(meme.number + 1), voted: false };
    },
    index: async () => newestFirst,
    publish: () => Promise.reject(new Error("Cannot publish: there is no database")),
    vote: () => Promise.reject(new Error("Cannot vote: there is no database")),
    take: async () => undefined,
    random: async () => memes[Math.floor(random() * memes.length)],
    tags: async () => countTags(memes),
  };
}

function toFilter({ tag, q }: Selection): (meme: Meme) => boolean {
  const words = q?.toLowerCase().split(/\s+/).filter(Boolean) ?? [];
  return (meme) => {
    if (tag !== undefined && !meme.tags.includes(tag)) return false;
    const text = [meme.title, ...meme.captions, ...meme.tags].join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  };
}

function paginate(found: readonly Meme[], { page, limit }: Selection): MemePage {
  const start = (page - 1) * limit;
  return {
    items: found.slice(start, start + limit),
    page,
    pages: Math.max(1, Math.ceil(found.length / limit)),
    total: found.length,
  };
}

function countTags(memes: readonly Meme[]): { tag: string; count: number }[] {
  const counts = new Map<string, number>();
  for (const tag of memes.flatMap((meme) => meme.tags)) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  return [...counts]
    .map(([tag, count]) => ({ tag, count }))
    .toSorted((a, b) => b.count - a.count || a.tag.localeCompare(b.tag, "en"));
}
