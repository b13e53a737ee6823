/**
 * One story, told to the site on a node, on workerd and on Deno: the answers are the same to the letter.
 *
 * Compared are status, every header that the site itself sets, and the body. Of what is random or a time, the ids of new
 * memes and the times of publication, only the shape is.
 */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findDeno } from "../../src/engine/guest/find-deno.ts";
import { toNebulaError } from "../../src/model/errors.ts";
import { ACADEMEMES, ask, type Place, type Question, type Reply } from "../support/places.ts";

const COMPARED = [
  "access-control-allow-origin",
  "cache-control",
  "content-security-policy",
  "content-type",
  "cross-origin-resource-policy",
  "etag",
  "location",
  "referrer-policy",
  "set-cookie",
  "vary",
  "x-content-type-options",
  "x-frame-options",
];

const VISITOR = `visitor=${"5".repeat(32)}`;
const form = (fields: Record<string, string>, headers: Record<string, string> = {}): Question => ({
  method: "POST",
  headers: { "content-type": "application/x-www-form-urlencoded", origin: "http://memes.test", ...headers },
  body: `${new URLSearchParams(fields)}`,
});
const json = (body: string, type = "application/json"): Question => ({
  method: "POST",
  headers: { "content-type": type },
  body,
});
const DRAFT = JSON.stringify({ template: "nod-shake", title: "Größe & <b>", captions: ["✗", "✓"], tags: ["Ünï"] });

/** In this order, for each changes what the next one sees. */
const STORY: readonly (readonly [string, Question?])[] = [
  ["/"],
  ["/?page=3"],
  ["/?page=4"],
  ["/?page=9999"],
  ["/?tag=coffee&order=top"],
  ["/?q=coff"],
  ["/?q=%22%20NEAR(%00*"],
  ["/?q=%F0%9F%A6%89"],
  ["/m/null-result"],
  ["/m/null-result/"],
  ["/m/null-result/picture.svg"],
  ["/m/null-result/picture.png"],
  ["/m/nope"],
  ["/m/%00"],
  ["/templates"],
  ["/about"],
  ["/make"],
  ["/make/two-doors?preview=1&caption=%3Cb%3E&title="],
  ["/make/two-doors/picture.svg?caption=%3Cb%3E&caption=%E8%AB%96"],
  ["/feed.xml"],
  ["/sitemap.xml"],
  ["/robots.txt"],
  ["/nothing/here"],
  ["/api/memes?limit=50"],
  ["/api/memes?limit=0&page=x"],
  ["/api/memes/null-result"],
  ["/api/memes/nope"],
  ["/api/tags"],
  ["/api/templates"],
  ["/api/openapi.json"],
  ["/api/nothing"],
  ["/", { method: "HEAD" }],
  ["/", { method: "POST" }],
  ["/api/memes", { method: "OPTIONS" }],
  ["/m/null-result/vote", form({ vote: "accept" }, { cookie: VISITOR })],
  ["/m/null-result/vote", form({ vote: "accept" }, { cookie: VISITOR })],
  ["/m/null-result/vote", form({ vote: "maybe" })],
  ["/m/null-result/vote", form({ vote: "accept" }, { origin: "http://evil.test" })],
  ["/m/nope/vote", form({ vote: "accept" }, { cookie: VISITOR })],
  ["/m/null-result", { headers: { cookie: VISITOR } }],
  ["/m/null-result"],
  ["/?order=top"],
  ["/api/memes/null-result/vote", { method: "DELETE", headers: { cookie: VISITOR } }],
  ["/api/memes/null-result/vote", { method: "PUT", headers: { cookie: VISITOR } }],
  ["/make/nod-shake", form({ title: "", caption: "x".repeat(200), tags: "a,b,c,d,e,f" })],
  ["/make/nod-shake", form({ title: "x".repeat(20_000) })],
  [
    "/make/nod-shake",
    { ...form({}), body: "{}", headers: { origin: "http://memes.test", "content-type": "text/plain" } },
  ],
  ["/api/memes", json("{")],
  ["/api/memes", json("null")],
  ["/api/memes", json(DRAFT, "text/plain")],
  ["/api/memes", json(DRAFT.replace("nod-shake", "goose"))],
  ["/api/memes", json(DRAFT)],
  ["/?q=gro"],
  ["/?tag=%C3%BCn%C3%AF"],
  ["/api/memes?limit=1"],
  ["/feed.xml"],
];

/** What the static files are, without what each platform adds for its own caches. */
const FILES = ["/style.css", "/arrows.js", "/make.js", "/icon.svg", "/templates/balance.svg"];

const PLACES: Record<string, () => Promise<Place>> = { "a node": ACADEMEMES.nebula, workerd: ACADEMEMES.workerd };
try {
  findDeno();
  PLACES.Deno = ACADEMEMES.deno;
} catch (thrown) {
  if (process.env.CI) throw thrown; // there has to be Deno where CI runs
  console.warn(`skipped: Academemes on Deno: ${toNebulaError(thrown).message}`);
}

/** What of a reply must be the same everywhere. */
function toComparable({ status, headers, body }: Reply, names = COMPARED) {
  const plain = (text: string) =>
    text
      .replace(/(gro-e-b|grosse-b|große-b|gr[a-z0-9-]*b)-[a-z0-9]{6}\b/g, "$1-NEW")
      .replace(/20\d\d-\d\d-\d\dT(?!08:00:00Z)\d\d:\d\d:\d\dZ/g, "NOW");
  const shown = names.flatMap((name) => {
    const value = headers[name];
    return value === undefined ? [] : [`${name}: ${plain(String(value))}`];
  });
  const isNew = /-[a-z0-9]{6}\b/.test(body) && plain(body) !== body;
  return { status, headers: isNew ? shown.filter((line) => !line.startsWith("etag")) : shown, body: plain(body) };
}

describe("the story of Academemes", () => {
  const told = new Map<string, { replies: Reply[]; files: Reply[] }>();
  const open: Place[] = [];

  beforeAll(async () => {
    for (const [name, openPlace] of Object.entries(PLACES)) {
      const place = await openPlace();
      open.push(place);
      const [replies, files]: [Reply[], Reply[]] = [[], []];
      for (const [path, question] of STORY) replies.push(await ask(place, path, question));
      for (const path of FILES) files.push(await ask(place, path));
      told.set(name, { replies, files });
    }
  }, 120_000);

  afterAll(() => Promise.all(open.map((place) => place[Symbol.asyncDispose]())));

  it("goes well on a node", () => {
    const statuses = STORY.map(([path, question], i) => [
      question?.method ?? "GET",
      path,
      told.get("a node")?.replies[i]?.status,
    ]);
    expect(statuses.filter(([, , status]) => status === 500)).toEqual([]);
    expect(told.get("a node")?.replies.at(-4)?.body).toContain("Größe &amp; &lt;b&gt;");
  });

  describe.each(Object.keys(PLACES).slice(1))("on %s", (name) => {
    it.each(STORY.map(([path, question], i) => [i, question?.method ?? "GET", path] as const))(
      "has the same answer %i: %s %s",
      (i) => {
        const [here, there] = [told.get("a node")?.replies[i], told.get(name)?.replies[i]];
        if (!here || !there) throw new Error("it was not told");
        expect(toComparable(there)).toEqual(toComparable(here));
      },
    );

    it.each(FILES.map((path, i) => [i, path] as const))("has the same file %i: %s", (i) => {
      const [here, there] = [told.get("a node")?.files[i], told.get(name)?.files[i]];
      if (!here || !there) throw new Error("it was not told");
      expect(toComparable(there, ["content-type"])).toEqual(toComparable(here, ["content-type"]));
    });
  });
});
