import { readdir } from "node:fs/promises";
import { afterEach, describe, expect, it, vi } from "vitest";
import { findTemplate, TEMPLATES } from "../../../routes/data/templates.ts";
import { openMemes } from "../../../routes/db/memes.ts";
import { parseDraft } from "../../../routes/draft.ts";
import { findLettering } from "../../../routes/lettering.ts";
import { createAssets, databaseOf, findXmlFault, memeWith, readPublic, siteOf } from "./support.ts";

const { items: NEWEST } = await openMemes(await databaseOf()).list({ page: 1, limit: 50 });
const MEMES = NEWEST.toReversed();

afterEach(() => vi.restoreAllMocks());

describe("templates", () => {
  it("are twelve, and each has its drawing", async () => {
    const files = await readdir(new URL("../../../public/templates", import.meta.url));
    expect(files.toSorted()).toEqual(TEMPLATES.map((template) => `${template.id}.svg`).toSorted());
    expect(TEMPLATES).toHaveLength(12);
  });

  it.each(TEMPLATES.map((template) => template.id))(
    "%s is a small, self-contained, well-formed drawing",
    async (id) => {
      const text = await readPublic(`templates/${id}.svg`);
      expect(findXmlFault(text)).toBeUndefined();
      expect(text).toContain('viewBox="0 0 1200 900"');
      expect(text).toMatch(/<title id="t">[^<]+<\/title>\n<desc id="d">[^<]+<\/desc>/);
      expect(text).not.toMatch(/<script|<style|<image|<foreignObject|href=|url\(|NaN|undefined/);
      expect(text.length).toBeGreaterThan(3_000);
      expect(text.length).toBeLessThan(15_000);
    },
  );

  it.each(TEMPLATES)("$id has its zones inside the drawing", ({ zones }) => {
    for (const zone of zones) {
      expect(Math.min(zone.x, zone.y)).toBeGreaterThan(0);
      expect(zone.x + zone.width).toBeLessThan(1_200);
      expect(zone.y + zone.height).toBeLessThan(900);
    }
  });
});

describe("memes", () => {
  it("are at least 24, with unique ids, in the order of their dates", () => {
    expect(MEMES.length).toBeGreaterThanOrEqual(24);
    expect(new Set(MEMES.map((meme) => meme.id)).size).toBe(MEMES.length);
    expect(MEMES.map((meme) => meme.published)).toEqual(MEMES.map((meme) => meme.published).toSorted());
    expect(new Set(MEMES.map((meme) => meme.template)).size).toBe(12);
  });

  it.each(MEMES)("$id fits its template", (meme) => {
    const zones = findTemplate(meme.template)?.zones ?? [];
    expect(meme.id).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
    expect(meme.captions).toHaveLength(zones.length);
    expect(meme.credit).not.toBe("");
    expect(parseDraft(meme)).toMatchObject({ ok: true, draft: { captions: meme.captions, tags: meme.tags } });
    for (const [i, zone] of zones.entries()) {
      const lettering = findLettering(meme.captions[i] ?? "", zone);
      // Below this nobody reads it on a phone.
      expect(lettering?.size ?? 0, meme.captions[i]).toBeGreaterThanOrEqual(28);
    }
  });
});

describe("findLettering()", () => {
  const zone = { x: 0, y: 0, width: 400, height: 120, size: 50 };

  it("keeps every word, in order, within the height of the zone", () => {
    const text = "one two three four five six seven eight nine ten";
    const lettering = findLettering(text, zone);
    expect(lettering?.lines.join(" ")).toBe(text);
    expect((lettering?.lines.length ?? 0) * (lettering?.lineHeight ?? 0)).toBeLessThanOrEqual(120);
  });

  it("uses the largest size for a short text", () => {
    expect(findLettering("No", zone)).toMatchObject({ lines: ["No"], size: 50 });
  });

  it("evens out the lines", () => {
    expect(findLettering("Choosing the colour map", zone)?.lines).toEqual(["Choosing the", "colour map"]);
  });

  it("returns no lines for no words, and undefined for what cannot fit", () => {
    expect(findLettering("  ", zone)?.lines).toEqual([]);
    expect(findLettering("x".repeat(100), zone)).toBeUndefined();
    expect(findLettering("word ".repeat(500), zone)).toBeUndefined();
  });
});

describe("/m/:id/picture.svg", () => {
  const getSeeded = siteOf();

  it.each(MEMES.map((meme) => meme.id))("%s is well-formed and says what the meme says", async (id) => {
    const response = await getSeeded(`/m/${id}/picture.svg`);
    const text = await response.text();
    expect(response.status).toBe(200);
    expect(findXmlFault(text)).toBeUndefined();
    expect(text.match(/<text font-family[^>]*font-weight="bold" font-size="\d+" text-anchor/g)?.length).toBe(
      MEMES.find((meme) => meme.id === id)?.captions.length ?? 0,
    );
  });

  it("is kept long, has an ETag, and reads its drawing through ASSETS", async () => {
    const ASSETS = createAssets();
    const get = siteOf([memeWith()], { env: { ASSETS } });
    const response = await get("/m/a-meme/picture.svg");
    expect(response.headers.get("content-type")).toBe("image/svg+xml; charset=utf-8");
    expect(response.headers.get("cache-control")).toBe("public, max-age=604800, stale-while-revalidate=86400");
    const again = await get("/m/a-meme/picture.svg", {
      headers: { "if-none-match": response.headers.get("etag") ?? "" },
    });
    expect(again.status).toBe(304);
    expect(ASSETS.asked).toEqual(["/templates/nod-shake.svg"]);
  });

  it("escapes titles and captions, and takes $& for what it is", async () => {
    const get = siteOf([memeWith({ title: "<b>$& & $1</b>", captions: ["<script>1</script>", "a & \"b\" 'c'"] })]);
    const text = await (await get("/m/a-meme/picture.svg")).text();
    expect(findXmlFault(text)).toBeUndefined();
    expect(text).toContain('<title id="t">&lt;b&gt;$&amp; &amp; $1&lt;/b&gt;</title>');
    expect(text).toContain("&lt;script&gt;1&lt;/script&gt;");
    expect(text).not.toContain("<script");
  });

  it("answers 500 rather than a picture that lacks its words", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const get = siteOf([memeWith({ captions: ["No", "x".repeat(200)] })]);
    expect((await get("/m/a-meme/picture.svg")).status).toBe(500);
  });

  it.each([
    ["has no such drawing", { ASSETS: { fetch: async () => new Response("gone", { status: 404 }) } }],
    ["serves no static files", {}],
  ])("answers 500 where the platform %s", async (_, env) => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const response = await siteOf([memeWith()], { env })("/m/a-meme/picture.svg");
    expect(response.status).toBe(500);
    expect(await response.text()).toContain("Erratum");
  });
});
