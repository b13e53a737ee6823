import { describe, expect, it } from "vitest";
import { createAssets, memeWith, siteOf } from "./support.ts";

const ENV = { ASSETS: createAssets(), CAPTION_PATH: "/fn/caption/" };
const QUERY = "template=nod-shake&text=50+%25+%26+more&text=%E2%80%9CYes%E2%80%9D";
const meme = memeWith({ captions: ["50 % & more", "“Yes”"] });

describe("a preview", () => {
  it("is what is shown where a meme is shared, and can be taken along", async () => {
    const text = await (await siteOf([meme], ENV)("/m/a-meme")).text();
    const path = `/fn/caption/?${QUERY}`.replaceAll("&", "&amp;");
    expect(text).toContain(`property="og:image" content="https://memes.test${path}"`);
    expect(text).toContain('property="og:image:type" content="image/png"');
    expect(text).toContain(`<a href="${path}" download="a-meme.png">PNG</a>`);
  });

  it("is named to programs", async () => {
    const response = await siteOf([meme], ENV)("/api/memes/a-meme");
    expect(await response.json()).toMatchObject({ preview: `https://memes.test/fn/caption/?${QUERY}` });
  });

  it.each([undefined, ""])("is not there where nothing draws it (CAPTION_PATH %j)", async (path) => {
    const get = siteOf([meme], { ASSETS: createAssets(), ...(path !== undefined && { CAPTION_PATH: path }) });
    const text = await (await get("/m/a-meme")).text();
    expect(text).toContain('property="og:image" content="https://memes.test/m/a-meme/picture.svg"');
    expect(text).toContain('property="og:image:type" content="image/svg+xml"');
    expect(text).not.toContain("PNG");
    expect(await (await get("/api/memes/a-meme")).json()).not.toHaveProperty("preview");
  });
});
