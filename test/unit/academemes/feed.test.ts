import { describe, expect, it } from "vitest";
import { findXmlFault, manyMemes, memeWith, siteOf } from "./support.ts";

/** What is between the tags of one name, first to last. */
const textsOf = (xml: string, name: string) =>
  [...xml.matchAll(new RegExp(`<${name}(?: [^>]*)?>([^<]*)</${name}>`, "g"))].map((match) => match[1]);

describe("/feed.xml", () => {
  it("is Atom with what RFC 4287 demands of a feed and of each entry, newest first", async () => {
    const response = await siteOf(manyMemes(40))("/feed.xml");
    const xml = await response.text();
    expect(response.headers.get("content-type")).toBe("application/atom+xml; charset=utf-8");
    expect(findXmlFault(xml.replace(/^<\?xml .*\?>\n/, ""))).toBeUndefined();
    const [head = "", ...entries] = xml.split("<entry>");
    expect(entries).toHaveLength(30);
    for (const [i, part] of [head, ...entries].entries()) {
      expect(textsOf(part, "id"), `${i}`).toHaveLength(1);
      expect(textsOf(part, "title")).toHaveLength(1);
      expect(textsOf(part, "updated")[0]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      if (i > 0) expect(textsOf(part, "name")).toHaveLength(1);
    }
    expect(head).toContain('<link rel="self" type="application/atom+xml" href="https://memes.test/feed.xml"/>');
    expect(textsOf(xml, "id").slice(0, 2)).toEqual(["https://memes.test/", "https://memes.test/m/meme-40"]);
    expect(new Set(textsOf(xml, "id")).size).toBe(31);
  });

  it("escapes HTML for XML once more", async () => {
    const xml = await (await siteOf([memeWith({ title: "<b>&", captions: ["<i>", "]]>"] })])("/feed.xml")).text();
    expect(findXmlFault(xml.replace(/^<\?xml .*\?>\n/, ""))).toBeUndefined();
    expect(textsOf(xml, "title")).toContain("&lt;b&gt;&amp;");
    expect(xml).toContain("&amp;lt;i&amp;gt; / ]]&amp;gt;");
  });

  it("answers 304 until something changes", async () => {
    const get = siteOf([memeWith()]);
    const headers = { "if-none-match": (await get("/feed.xml")).headers.get("etag") ?? "" };
    expect((await get("/feed.xml", { headers })).status).toBe(304);
    await get("/api/memes", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ template: "nod-shake", title: "News", captions: ["a", "b"], tags: ["c"] }),
    });
    expect((await get("/feed.xml", { headers })).status).toBe(200);
  });

  it("is found from every page, and empty without memes", async () => {
    const get = siteOf([]);
    expect(await (await get("/about")).text()).toContain('<link rel="alternate" href="/feed.xml"');
    expect(await (await get("/feed.xml")).text()).not.toContain("<entry>");
  });
});

describe("/sitemap.xml", () => {
  it("names every page, and robots.txt names it", async () => {
    const get = siteOf(manyMemes(3));
    const xml = await (await get("/sitemap.xml")).text();
    expect(findXmlFault(xml.replace(/^<\?xml .*\?>\n/, ""))).toBeUndefined();
    const places = textsOf(xml, "loc").map((url) => (url ?? "").replace("https://memes.test", ""));
    expect(places).toHaveLength(4 + 12 + 3);
    for (const path of places) expect((await get(path)).status, path).toBe(200);
    expect(await (await get("/robots.txt")).text()).toContain("Sitemap: https://memes.test/sitemap.xml\n");
  });
});
