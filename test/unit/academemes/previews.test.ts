import { afterEach, describe, expect, it, vi } from "vitest";
import { createAssets, memeWith, siteOf } from "./support.ts";

const meme = memeWith({ captions: ["50 % & more", "“Yes”"] });
const PNG = Uint8Array.of(0x89, 0x50, 0x4e, 0x47);
const drawn = () => new Response(PNG, { headers: { "content-type": "image/png" } });

afterEach(() => vi.restoreAllMocks());

/** The function that draws, as far as the site knows it. */
function createCaption(answer: () => Response | Promise<Response>) {
  const asked: string[] = [];
  const CAPTION = {
    fetch: async (request: Request) => {
      asked.push(new URL(request.url).search);
      return answer();
    },
  };
  return { asked, env: { ASSETS: createAssets(), CAPTION } };
}

describe("/m/:id/picture.png", () => {
  it("is drawn by the function that is bound, with the meme's own words", async () => {
    const { asked, env } = createCaption(drawn);
    const response = await siteOf([meme], { env })("/m/a-meme/picture.png");
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("image/png");
    expect(response.headers.get("cache-control")).toContain("max-age=604800");
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(PNG);
    expect(asked).toEqual(["?template=nod-shake&text=50+%25+%26+more&text=%E2%80%9CYes%E2%80%9D"]);
  });

  it("answers 404 for a meme that is not there, and asks nobody", async () => {
    const { asked, env } = createCaption(drawn);
    expect((await siteOf([meme], { env })("/m/other/picture.png")).status).toBe(404);
    expect(asked).toEqual([]);
  });

  it.each([
    ["refuses", () => new Response("no", { status: 400, headers: { "content-type": "text/plain" } })],
    ["is not there", () => Promise.reject(new Error("no such function"))],
  ])("leads to the SVG when the function %s, and says so to the owner", async (_, answer) => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const { env } = createCaption(answer);
    const response = await siteOf([meme], { env })("/m/a-meme/picture.png");
    expect([response.status, response.headers.get("location")]).toEqual([302, "/m/a-meme/picture.svg"]);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(log).toHaveBeenCalledOnce();
  });

  it("is what is shown where a meme is shared, and can be taken along", async () => {
    const { env } = createCaption(drawn);
    const text = await (await siteOf([meme], { env })("/m/a-meme")).text();
    expect(text).toContain(`property="og:image" content="https://memes.test/m/a-meme/picture.png"`);
    expect(text).toContain(`name="twitter:image" content="https://memes.test/m/a-meme/picture.png"`);
    expect(text).toContain('property="og:image:type" content="image/png"');
    expect(text).toContain('<a href="/m/a-meme/picture.png" download="a-meme.png">PNG</a>');
  });

  it("is named to programs", async () => {
    const { env } = createCaption(drawn);
    const response = await siteOf([meme], { env })("/api/memes/a-meme");
    expect(await response.json()).toMatchObject({ png: "https://memes.test/m/a-meme/picture.png" });
  });

  it("is not there where nothing draws it", async () => {
    const get = siteOf([meme]);
    const text = await (await get("/m/a-meme")).text();
    expect(text).toContain('property="og:image" content="https://memes.test/m/a-meme/picture.svg"');
    expect(text).toContain('property="og:image:type" content="image/svg+xml"');
    expect(text).not.toContain("PNG");
    expect(await (await get("/api/memes/a-meme")).json()).not.toHaveProperty("png");
    expect((await get("/m/a-meme/picture.png")).status).toBe(404);
  });
});
