import { describe, expect, it } from "vitest";
import { HOURLY } from "../../../routes/db/limits.ts";
import { openMemes } from "../../../routes/db/memes.ts";
import { databaseOf, formOf, manyMemes, memeWith, siteOf } from "./support.ts";

const ACCEPT = [["vote", "accept"]] as const;
const RETRACT = [["vote", "retract"]] as const;
const PATH = "/m/a-meme/vote";

const cookieOf = (response: Response) => (response.headers.get("set-cookie") ?? "").split(";")[0] ?? "";

describe("a vote", () => {
  it("is given and taken back without a script, once per visitor", async () => {
    const get = siteOf([memeWith()]);
    expect(await (await get("/m/a-meme")).text()).toContain("Awaiting its first reviewer.");
    const response = await get(PATH, formOf(ACCEPT));
    expect([response.status, response.headers.get("location")]).toEqual([303, "/m/a-meme#verdict"]);
    const cookie = cookieOf(response);
    await get(PATH, formOf(ACCEPT, { cookie }));
    const mine = await (await get("/m/a-meme", { headers: { cookie } })).text();
    expect(mine).toContain("Accepted by 1 reviewer, you among them.");
    expect(mine).toContain('<button name="vote" value="retract">');
    expect(await (await get("/m/a-meme")).text()).toContain("Accepted by 1 reviewer.");
    await get(PATH, formOf(ACCEPT));
    expect(await (await get("/")).text()).toContain("Accepted by 2 reviewers.");
    await get(PATH, formOf(RETRACT, { cookie }));
    await get(PATH, formOf(RETRACT, { cookie }));
    expect(await (await get("/m/a-meme", { headers: { cookie } })).text()).toContain("Accepted by 1 reviewer.");
  });

  it("gives a cookie that scripts and other sites do not see, and reading gives none", async () => {
    const get = siteOf([memeWith()]);
    const cookie = (await get(PATH, formOf(ACCEPT))).headers.get("set-cookie");
    expect(cookie).toMatch(/^visitor=[0-9a-f]{32}; Max-Age=34560000; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
    for (const path of ["/", "/m/a-meme", "/make", "/api/memes"]) {
      expect((await get(path)).headers.get("set-cookie"), path).toBeNull();
    }
  });

  it("is not kept for others by anybody between", async () => {
    const get = siteOf([memeWith()]);
    const cookie = cookieOf(await get(PATH, formOf(ACCEPT)));
    const mine = await get("/m/a-meme", { headers: { cookie } });
    expect(mine.headers.get("cache-control")).toBe("private, max-age=0, must-revalidate");
    for (const response of [mine, await get("/m/a-meme")]) expect(response.headers.get("vary")).toContain("cookie");
  });

  it.each(["", "visitor=", "visitor=x", `visitor=${"A".repeat(32)}`, `visitor=${"0".repeat(33)}`])(
    "with the cookie %j is a new visitor's",
    async (cookie) => {
      const response = await siteOf([memeWith()])(PATH, formOf(ACCEPT, { cookie }));
      expect(cookieOf(response)).toMatch(/^visitor=[0-9a-f]{32}$/);
    },
  );

  it("must say what it is, and for a meme that is there", async () => {
    const get = siteOf([memeWith()]);
    expect((await get(PATH, formOf([["vote", "maybe"]]))).status).toBe(400);
    expect((await get(PATH, formOf([]))).status).toBe(400);
    expect((await get("/m/other/vote", formOf(ACCEPT))).status).toBe(404);
    expect((await get("/api/memes/other/vote", { method: "PUT" })).status).toBe(404);
  });

  it("is given and taken back by programs", async () => {
    const get = siteOf([memeWith()]);
    const given = await get("/api/memes/a-meme/vote", { method: "PUT" });
    expect(await given.json()).toEqual({ votes: 1, voted: true });
    expect(given.headers.get("access-control-allow-origin")).toBeNull();
    const headers = { cookie: cookieOf(given) };
    const again = await get("/api/memes/a-meme/vote", { method: "PUT", headers });
    expect(await again.json()).toEqual({ votes: 1, voted: true });
    const back = await get("/api/memes/a-meme/vote", { method: "DELETE", headers });
    expect(await back.json()).toEqual({ votes: 0, voted: false });
  });

  it("is counted exactly when a hundred come at once, some of them twice", async () => {
    const get = siteOf([memeWith()]);
    const visitors = Array.from({ length: 100 }, (_, i) => `visitor=${String(i % 80).padStart(32, "0")}`);
    const responses = await Promise.all(visitors.map((cookie) => get(PATH, formOf(ACCEPT, { cookie }))));
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([303]));
    expect(await (await get("/api/memes/a-meme")).json()).toMatchObject({ votes: 80 });
  });

  it("is possible so many times an hour from one address", async () => {
    const get = siteOf([memeWith()], { now: () => Date.parse("2026-11-20T12:59:30Z") });
    const voted = async (address: string) => (await get(PATH, formOf(ACCEPT, { "cf-connecting-ip": address }))).status;
    for (let i = 0; i < HOURLY.vote; i++) expect(await voted("192.0.2.7")).toBe(303);
    const refused = await get(PATH, formOf(ACCEPT, { "cf-connecting-ip": "192.0.2.7" }));
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "30"]);
    expect(await refused.text()).toContain("Too many submissions");
    expect(await voted("192.0.2.8")).toBe(303);
    expect(await (await get("/api/memes/a-meme")).json()).toMatchObject({ votes: HOURLY.vote + 1 });
  });
});

describe("the order by votes", () => {
  it("puts the most accepted first, the newer of two first", async () => {
    const get = siteOf(manyMemes(4));
    for (const id of ["meme-2", "meme-2", "meme-1", "meme-3"]) {
      await get(`/api/memes/${id}/vote`, { method: "PUT" });
    }
    const idsOf = async (query: string) => {
      const { items } = (await (await get(`/api/memes?order=top&${query}`)).json()) as { items: { id: string }[] };
      return items.map(({ id }) => id);
    };
    expect(await idsOf("")).toEqual(["meme-2", "meme-3", "meme-1", "meme-4"]);
    expect(await idsOf("tag=coffee")).toEqual(["meme-2", "meme-3", "meme-1", "meme-4"]);
    expect(await idsOf("q=title&limit=2&page=2")).toEqual(["meme-1", "meme-4"]);
    const page = await (await get("/?order=top")).text();
    expect(page).toContain('<a href="/?order=top" aria-current="true">most accepted</a>');
  });
});

describe("what is kept of an address", () => {
  it("is a salted hash, and both are gone the day after", async () => {
    let nowMs = Date.parse("2026-11-20T12:00:00Z");
    const db = await databaseOf([memeWith()]);
    const memes = openMemes(db, () => nowMs);
    const rows = async (table: string) => (await db.prepare(`SELECT * FROM ${table}`).all()).results;
    await memes.take("vote", "192.0.2.7");
    const [taken] = await rows("takings");
    const [salt] = await rows("salts");
    expect(JSON.stringify([taken, salt])).not.toContain("192.0.2");
    expect(taken).toMatchObject({ client: expect.stringMatching(/^[0-9a-f]{32}$/), action: "vote", count: 1 });
    nowMs += 86_400_000;
    await memes.take("vote", "192.0.2.7");
    const [later, ...more] = await rows("takings");
    expect(more).toEqual([]);
    expect(later?.client).not.toBe(taken?.client);
    expect(await rows("salts")).not.toContainEqual(salt);
  });
});
