import { describe, expect, it } from "vitest";
import { HOURLY } from "../../../routes/db/limits.ts";
import { LIMITS, parseDraft } from "../../../routes/draft.ts";
import { draftWith, findXmlFault, formOf, jsonOf, memeWith, siteOf } from "./support.ts";

const PATH = "/make/nod-shake";
const FIELDS = [
  ["caption", "Writing"],
  ["caption", "Changing the font"],
  ["title", "A study of type"],
  ["tags", "Writing, coffee , writing"],
  ["credit", "Me"],
] as const;

const fieldsWith = (name: string, value: string) =>
  FIELDS.map(([each, given]) => (each === name ? ([each, value] as const) : ([each, given] as const)));

describe("/make", () => {
  const get = siteOf([memeWith()]);

  it("offers every template", async () => {
    const text = await (await get("/make")).text();
    expect(text.match(/<a href="\/make\/[a-z-]+">/g)).toHaveLength(12);
  });

  it("asks for one caption for each zone, with a label and a limit on every field", async () => {
    const text = await (await get("/make/four-stages")).text();
    const inputs = text.match(/<input [^>]*>/g) ?? [];
    expect(inputs.filter((input) => input.includes('name="caption"'))).toHaveLength(4);
    for (const input of inputs) {
      expect(input).toMatch(/maxlength="\d+"/);
      expect(text).toContain(`<label for="${/id="([^"]+)"/.exec(input)?.[1]}">`);
    }
    expect(text).not.toContain('class="fault');
  });

  it("answers 404 for a template that is not there", async () => {
    expect((await get("/make/goose")).status).toBe(404);
    expect((await get("/make/goose/picture.svg")).status).toBe(404);
    expect((await get("/make/goose", formOf(FIELDS))).status).toBe(404);
  });

  it("keeps what was typed in a preview, shows its picture and says what is wrong", async () => {
    const query = new URLSearchParams([...fieldsWith("title", ""), ["preview", "1"]].map((each) => [...each]));
    const text = await (await get(`${PATH}?${query}`)).text();
    expect(text).toContain('value="Changing the font"');
    expect(text).toContain("/make/nod-shake/picture.svg?caption=Writing&amp;caption=Changing+the+font&amp;title=");
    expect(text).toMatch(/<p class="fault" id="title-fault">Title must say something/);
    expect(text).toMatch(/<input id="title"[^>]*aria-describedby="title-fault title-hint" aria-invalid="true">/);
    expect(text).toContain('<a href="#title">Title</a>');
    expect(text).toContain('<meta name="robots" content="noindex">');
  });

  it("draws a preview of whatever fits", async () => {
    const query = new URLSearchParams({ caption: "<b>&", title: "“&”" });
    query.append("caption", "x".repeat(500));
    const response = await get(`${PATH}/picture.svg?${query}`);
    const text = await response.text();
    expect(response.headers.get("content-type")).toBe("image/svg+xml; charset=utf-8");
    expect(findXmlFault(text)).toBeUndefined();
    expect(text).toContain("&lt;b&gt;&amp;</tspan>");
    expect(text).toContain(">…</tspan>");
  });
});

describe("publishing", () => {
  it("leads to the new meme, which is then everywhere", async () => {
    const get = siteOf([memeWith()], { now: () => Date.parse("2026-11-20T12:34:56.789Z") });
    expect(await (await get("/")).text()).not.toContain("A study of type");
    const response = await get(PATH, formOf(FIELDS));
    const path = response.headers.get("location") ?? "";
    expect(response.status).toBe(303);
    expect(path).toMatch(/^\/m\/a-study-of-type-[a-z0-9]{6}$/);
    const page = await (await get(path)).text();
    expect(page).toContain("<b>Fig. 2.</b> Writing / Changing the font");
    expect(page).toContain('<time datetime="2026-11-20T12:34:56Z">20 November 2026</time>');
    expect(page).toContain("</sup> Me.");
    for (const place of ["/", "/?tag=writing", "/?q=font", "/feed.xml", "/api/memes", "/sitemap.xml"]) {
      expect(await (await get(place)).text(), place).toContain(path);
    }
    expect((await get(`${path}/picture.svg`)).status).toBe(200);
    expect(await (await get("/m/a-meme")).text()).toContain(`<link rel="prev" href="${path}">`);
    expect(await (await get("/api/tags")).json()).toEqual({
      items: [
        { tag: "coffee", count: 2 },
        { tag: "writing", count: 1 },
      ],
    });
  });

  it("shows the form again with all faults and all that was typed, and publishes nothing", async () => {
    const get = siteOf([memeWith()]);
    const response = await get(PATH, formOf([...fieldsWith("caption", "x".repeat(200)), ["tags", "ignored"]]));
    const text = await response.text();
    expect(response.status).toBe(422);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(text.match(/class="fault"/g)).toHaveLength(2);
    expect(text).toContain('role="alert"');
    expect(text).toContain('value="A study of type"');
    expect(await (await get("/api/memes")).json()).toMatchObject({ total: 1 });
  });

  it.each([
    ["no origin at all", { origin: "", "sec-fetch-site": "" }],
    ["another site", { origin: "https://evil.test", "sec-fetch-site": "cross-site" }],
    ["a neighbour of the same site", { origin: "https://evil.memes.test", "sec-fetch-site": "same-site" }],
    ["a sandboxed frame", { origin: "null", "sec-fetch-site": "cross-site" }],
  ])("is refused from %s", async (_, headers) => {
    const get = siteOf([memeWith()]);
    for (const path of [PATH, "/m/a-meme/vote"]) {
      const response = await get(path, formOf([...FIELDS, ["vote", "accept"]], headers));
      expect(response.status).toBe(403);
      expect(await response.text()).toContain("Undeclared affiliation");
    }
    expect(await (await get("/api/memes")).json()).toMatchObject({ total: 1, items: [{ votes: 0 }] });
  });

  it("takes a form behind a proxy that ends TLS, where only Sec-Fetch-Site tells", async () => {
    const get = siteOf([memeWith()]);
    const response = await get(
      PATH,
      formOf(FIELDS, { origin: "https://public.test", "sec-fetch-site": "same-origin" }),
    );
    expect(response.status).toBe(303);
  });

  it("takes no other kind of body, and none that is large", async () => {
    const get = siteOf([memeWith()]);
    const headers = { origin: "https://memes.test" };
    const multipart = new FormData();
    multipart.set("title", "x");
    expect((await get(PATH, { method: "POST", headers, body: multipart })).status).toBe(415);
    expect((await get(PATH, { method: "POST", headers, body: "title=x" })).status).toBe(415);
    const large = await get(PATH, formOf([["title", "x".repeat(20_000)]]));
    expect(large.status).toBe(413);
    expect(await large.text()).toContain("Manuscript too long");
    const stream = new Blob(["title=", "x".repeat(20_000)]).stream();
    const type = { ...headers, "content-type": "application/x-www-form-urlencoded" };
    const unsized = { method: "POST", headers: type, body: stream, duplex: "half" } as const;
    expect((await get(PATH, unsized)).status).toBe(413);
  });

  it("is possible so many times an hour from one network, by form and by API together", async () => {
    let nowMs = Date.parse("2026-11-20T12:30:00Z");
    const get = siteOf([memeWith()], { now: () => nowMs });
    const from = (address: string) => ({ "cf-connecting-ip": address });
    for (let i = 0; i < HOURLY.publish; i++) {
      const response = await get(PATH, formOf(FIELDS, from(`2001:db8:0:1::${i}`)));
      expect(response.status).toBe(303);
    }
    const refused = await get(PATH, formOf(FIELDS, from("2001:db8::1:0:0:0:ffff")));
    const text = await refused.text();
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "1800"]);
    expect(text).toContain("come back in 30 minutes");
    expect(text).toContain('value="A study of type"');
    const program = await get("/api/memes", jsonOf(draftWith(), from("2001:db8:0:1::1")));
    expect([program.status, program.headers.get("retry-after")]).toEqual([429, "1800"]);
    expect((await get(PATH, formOf(FIELDS, from("2001:db8:0:2::1")))).status).toBe(303);
    expect((await get(PATH, formOf(FIELDS, from("192.0.2.1")))).status).toBe(303);
    nowMs += 1_800_000;
    expect((await get(PATH, formOf(FIELDS, from("2001:db8:0:1::1")))).status).toBe(303);
  });
});

describe("parseDraft()", () => {
  const faultsOf = (changes: Parameters<typeof draftWith>[0]) => {
    const parsed = parseDraft(draftWith(changes));
    return parsed.ok ? [] : parsed.faults.map(({ name }) => name);
  };

  it.each([
    ["a title of spaces", { title: " \u3000\u200d " }, ["title"]],
    ["a title too long by one", { title: "é".repeat(LIMITS.title + 1) }, ["title"]],
    ["a title of as many emoji as it may have", { title: "🦉".repeat(LIMITS.title) }, []],
    ["no words at all", { captions: ["", "\u0000"] }, ["caption-1"]],
    ["one empty place", { captions: ["", "Yes"] }, []],
    ["a caption too few", { captions: ["No"] }, ["captions"]],
    ["a caption too wide", { captions: ["No", "x".repeat(60)] }, ["caption-2"]],
    ["a caption too long", { captions: ["no ".repeat(60), "Yes"] }, ["caption-1"]],
    ["no tags", { tags: ["", " "] }, ["tags"]],
    ["six tags", { tags: ["a", "b", "c", "d", "e", "f"] }, ["tags"]],
    ["a tag with a quote", { tags: ['"'] }, ["tags"]],
    ["a long tag", { tags: ["x".repeat(LIMITS.tag + 1)] }, ["tags"]],
    ["tags in other alphabets", { tags: ["кофе", "論文", "peer-review"] }, []],
    ["a long credit", { credit: "x".repeat(LIMITS.credit + 1) }, ["credit"]],
    ["an unknown template", { template: "__proto__" }, ["template"]],
    ["everything at once", { title: "", captions: ["", ""], tags: [] }, ["caption-1", "title", "tags"]],
  ])("takes or refuses %s", (_, changes, names) => {
    expect(faultsOf(changes)).toEqual(names);
  });

  it("takes out what cannot be seen and what plays tricks", () => {
    const parsed = parseDraft(
      draftWith({ title: "a\u0000b\u202e\ud800 c\n\n d\ufffe", credit: "\u200b", tags: ["Ünï", "u\u0308nï"] }),
    );
    expect(parsed).toMatchObject({
      ok: true,
      draft: { title: "a b c d", credit: "Anonymous, as all the best reviewers", tags: ["ünï"] },
    });
  });

  it("holds a tower of accents down", () => {
    const parsed = parseDraft(draftWith({ title: `z${"\u0335".repeat(70)}` }));
    expect(parsed).toMatchObject({ ok: true, draft: { title: "z\u0335\u0335\u0335" } });
  });
});
