import { describe, expect, it } from "vitest";
import { toMatch } from "../../../routes/db/match.ts";
import { databaseOf, memeWith, siteOf } from "./support.ts";

const MEMES = [
  memeWith({ id: "title", number: 1, title: "Procrastination studies", captions: ["a", "b"], tags: ["x"] }),
  memeWith({ id: "caption", number: 2, title: "Two", captions: ["Later: procrastination", "b"], tags: ["x"] }),
  memeWith({ id: "tag", number: 3, title: "Three", captions: ["Über-Überschrift", "b"], tags: ["procrastination"] }),
  memeWith({ id: "operators", number: 4, title: "AND OR NOT NEAR", captions: ["a", "論文 b"], tags: ["y"] }),
];

describe("a search", () => {
  const get = siteOf(MEMES);
  const find = async (q: string, more = "") => {
    const response = await get(`/api/memes?q=${encodeURIComponent(q)}${more}`);
    expect(response.status).toBe(200);
    const { items, total } = (await response.json()) as { items: { id: string }[]; total: number };
    expect(total).toBe(items.length);
    return items.map(({ id }) => id);
  };

  it("finds titles before captions, and captions before tags", async () => {
    expect(await find("procrastination")).toEqual(["title", "caption", "tag"]);
  });

  it.each([
    ["the beginning of the last word", "studies procra", ["title"]],
    ["only whole words before it", "stud procrastination", []],
    ["words in any case and order", "PROCRASTINATION later", ["caption"]],
    ["letters without their accents", "uberschrift", ["tag"]],
    ["other alphabets", "論文", ["operators"]],
    ["words that FTS5 has a meaning for", "AND OR NOT", ["operators"]],
    ["nothing in punctuation alone", "\"'*()-^:{}+%", []],
    ["all words, not one of them", "procrastination zebra", []],
  ])("finds %s", async (_, q, ids) => {
    expect(await find(q)).toEqual(ids);
  });

  it("keeps to a tag", async () => {
    expect(await find("procrastination", "&tag=x")).toEqual(["title", "caption"]);
    expect(await find("procrastination", "&tag=zebra")).toEqual([]);
  });

  it.each([
    '"',
    '"unclosed',
    "NEAR(a b",
    "title:procrastination",
    "a* b* ^c",
    "{title}:x",
    "-procrastination",
    "procrastination AND",
    "(((((",
    "x'; DROP TABLE memes; --",
    "\u0000procrastination\u0000",
    "\ufffd\ufffe",
    "%00%ff",
    "🦉".repeat(50),
    "a ".repeat(50),
    "<script>alert(1)</script>",
  ])("is no error with %j", async (q) => {
    await find(q);
    const page = await get(`/?q=${encodeURIComponent(q)}`);
    expect(page.status).toBe(200);
    expect(await page.text()).not.toContain("<script>alert");
  });
});

describe("toMatch()", () => {
  it.each([
    ["coffee", '"coffee"*'],
    ["Reviewer “two", '"Reviewer" "two"*'],
    ["it's", '"it" "s"*'],
    ["  ", undefined],
    ["\u0301", undefined],
  ])("makes of %j %j", (typed, match) => expect(toMatch(typed)).toBe(match));

  it("takes so many words", () => {
    expect(toMatch("a ".repeat(40))?.split(" ")).toHaveLength(12);
  });
});

describe("the questions of every page", () => {
  it.each([
    ["SELECT * FROM memes ORDER BY number DESC LIMIT 9"],
    ["SELECT * FROM memes ORDER BY votes DESC, number DESC LIMIT 9"],
    ["SELECT memes.* FROM meme_tags JOIN memes ON number = meme WHERE tag = 'x' ORDER BY meme DESC LIMIT 9"],
    ["SELECT tag, memes FROM tags ORDER BY memes DESC, tag LIMIT 24"],
    ["SELECT * FROM memes WHERE id = 'x'"],
    ["SELECT * FROM memes WHERE number < (SELECT number FROM memes WHERE id = 'x') ORDER BY number DESC LIMIT 1"],
  ])("are answered from an index in its order: %s", async (sql) => {
    const db = await databaseOf();
    const plan = (await db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all()).results.map(({ detail }) => String(detail));
    expect(plan.filter((step) => step.includes("TEMP B-TREE"))).toEqual([]);
  });
});
