/**
 * What visitors leave on the site, on a real node: memes with their pictures, votes, and what is refused.
 */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ask, openOnNebula, type Place, type Question } from "../support/places.ts";

let node: Place;

beforeAll(async () => {
  node = await openOnNebula(["functions/caption", ""]);
});

afterAll(() => node[Symbol.asyncDispose]());

const form = (fields: readonly (readonly [string, string])[], headers: Record<string, string> = {}): Question => ({
  method: "POST",
  headers: { "content-type": "application/x-www-form-urlencoded", origin: "http://memes.test", ...headers },
  body: `${new URLSearchParams(fields.map((field) => [...field]))}`,
});
const votesOf = async (id: string) => JSON.parse((await ask(node, `/api/memes/${id}`)).body).votes as number;

const FIELDS = [
  ["caption", "Reading the manual"],
  ["caption", "Asking the cat <3 & “being” told"],
  ["title", "An <i>informal</i> survey"],
  ["tags", "methods, Coffee"],
  ["credit", "The cat"],
] as const;

describe("a meme of one's own", () => {
  it("gets a page, a drawing, a PNG of it, and its place in everything", async () => {
    const preview = await ask(
      node,
      `/make/nod-shake?${new URLSearchParams([["preview", "1"], ...FIELDS.map((each) => [...each])])}`,
    );
    expect(preview.body).toContain("Asking+the+cat");
    expect(preview.body).not.toContain('class="fault"');
    const made = await ask(node, "/make/nod-shake", form(FIELDS));
    expect(made.status).toBe(303);
    const path = made.headers.location ?? "";
    const page = await ask(node, path);
    expect(page.body).toContain("An &lt;i&gt;informal&lt;/i&gt; survey");
    expect(page.body).toContain(`<meta property="og:image" content="http://memes.test${path}/picture.png">`);
    expect((await ask(node, `${path}/picture.svg`)).body).toContain("&lt;3");
    const png = await fetch(`${node.url}${path}/picture.png`);
    expect([png.status, png.headers.get("content-type")]).toEqual([200, "image/png"]);
    const bytes = Buffer.from(await png.arrayBuffer());
    expect(bytes.subarray(1, 4).toString()).toBe("PNG");
    expect([bytes.readUInt32BE(16), bytes.readUInt32BE(20)]).toEqual([1_200, 900]);
    for (const place of ["/", "/?tag=methods", "/?q=informal+sur", "/feed.xml", "/sitemap.xml", "/api/memes"]) {
      expect((await ask(node, place)).body, place).toContain(path);
    }
  });

  it("is made so many times an hour, whatever address one claims to have", async () => {
    const statuses: (number | undefined)[] = [];
    // Twice the limit and one: an hour may begin meanwhile.
    for (let i = 0; i < 25 && statuses.at(-1) !== 429; i++) {
      const claimed = {
        "cf-connecting-ip": `192.0.2.${i}`,
        "x-forwarded-for": `192.0.2.${i}`,
        "x-real-ip": `192.0.2.${i}`,
      };
      const reply = await ask(node, "/make/nod-shake", form(FIELDS, claimed));
      statuses.push(reply.status);
      if (reply.status === 429) expect(Number(reply.headers["retry-after"])).toBeGreaterThan(0);
    }
    expect(statuses.at(-1)).toBe(429);
    expect(statuses.length).toBeGreaterThan(10);
  });
});

describe("votes", () => {
  const accept = (i: number) => form([["vote", "accept"]], { cookie: `visitor=${String(i).padStart(32, "0")}` });
  const retract = (i: number) => form([["vote", "retract"]], { cookie: `visitor=${String(i).padStart(32, "0")}` });
  const hundred = Array.from({ length: 100 }, (_, i) => i);

  it("of a hundred visitors at once are a hundred, and none when all take them back", async () => {
    const given = await Promise.all(hundred.map((i) => ask(node, "/m/null-result/vote", accept(i))));
    expect(new Set(given.map(({ status }) => status))).toEqual(new Set([303]));
    expect(await votesOf("null-result")).toBe(100);
    expect((await ask(node, "/?order=top")).body).toMatch(/gallery">\s*<li><figure>\s*<a href="\/m\/null-result">/);
    await Promise.all(hundred.map((i) => ask(node, "/m/null-result/vote", retract(i))));
    expect(await votesOf("null-result")).toBe(0);
  });

  it("of one visitor are one, however often and fast they come", async () => {
    await Promise.all(hundred.slice(50).map(() => ask(node, "/m/free-food/vote", accept(7))));
    expect(await votesOf("free-food")).toBe(1);
  });
});

describe("what is refused", () => {
  const evil = { origin: "http://evil.test", "sec-fetch-site": "cross-site" };

  it.each<[string, number, string, Question]>([
    ["a form of another site", 403, "/make/nod-shake", form(FIELDS, evil)],
    ["a vote of another site", 403, "/m/null-result/vote", form([["vote", "accept"]], evil)],
    ["a form of nobody's", 403, "/m/null-result/vote", form([["vote", "accept"]], { origin: "null" })],
    ["a body too large", 413, "/make/nod-shake", form([["title", "x".repeat(20_000)]])],
    [
      "a JSON body too large",
      413,
      "/api/memes",
      { method: "POST", headers: { "content-type": "application/json" }, body: `"${"x".repeat(20_000)}"` },
    ],
    ["a draft with faults", 422, "/make/nod-shake", form([["title", "\u0000"]])],
    [
      "half a draft",
      400,
      "/api/memes",
      { method: "POST", headers: { "content-type": "application/json" }, body: '{"title":1}' },
    ],
    ["a page that is none", 404, "/?page=-1", {}],
    ["a search too long", 404, `/?q=${"x".repeat(101)}`, {}],
  ])("%s, with %i", async (_, status, path, question) => {
    const reply = await ask(node, path, question);
    expect(reply.status).toBe(status);
    expect(reply.headers["cache-control"]).toBe("no-store");
    expect(reply.headers["content-security-policy"]).toContain("default-src 'none'");
    expect(reply.body).not.toContain("<script>");
  });
});
