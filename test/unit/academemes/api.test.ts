import { describe, expect, it } from "vitest";
import { manyMemes, memeWith, siteOf } from "./support.ts";

describe("/api/memes", () => {
  const get = siteOf([...manyMemes(11), memeWith({ id: "other", number: 12, title: "Other", tags: ["tea"] })]);

  it("answers a page with its counts and absolute addresses", async () => {
    const response = await get("/api/memes?limit=5&page=3");
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(response.headers.get("cache-control")).toBe("public, max-age=60");
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
    expect(response.headers.get("etag")).toBeTruthy();
    const body = await response.json();
    expect(body).toMatchObject({ page: 3, pages: 3, total: 12 });
    expect(body).toHaveProperty("items.length", 2);
    expect(body).toHaveProperty("items.1", {
      ...memeWith({ id: "meme-1", title: "Title 1" }),
      url: "https://memes.test/m/meme-1",
      picture: "https://memes.test/m/meme-1/picture.svg",
    });
  });

  it.each([
    ["", 12],
    ["?tag=tea", 1],
    ["?tag=none", 0],
    ["?q=title", 11],
    ["?q=title+coffee", 11],
    ["?q=title+tea", 0],
    ["?tag=tea&q=other", 1],
    ["?page=99", 12],
  ])("finds with %s %i memes", async (query, total) => {
    expect(await (await get(`/api/memes${query}`)).json()).toMatchObject({ total });
  });

  it.each([
    ["page=0", ["page"]],
    ["page=", ["page"]],
    ["page=1e3", ["page"]],
    ["page=10001", ["page"]],
    ["limit=51", ["limit"]],
    ["limit=-1&page=x", ["page", "limit"]],
    [`tag=${"t".repeat(101)}&q=${"q".repeat(101)}`, ["tag", "q"]],
  ])("refuses %s with a problem that names all faults", async (query, names) => {
    const response = await get(`/api/memes?${query}`);
    expect(response.status).toBe(400);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    const body = await response.json();
    const errors = names.map((name) => ({ name }));
    expect(body).toMatchObject({ type: "about:blank", title: "Bad Request", status: 400, errors });
  });
});

describe("/api", () => {
  const get = siteOf([memeWith()]);

  it("answers one meme", async () => {
    expect(await (await get("/api/memes/a-meme")).json()).toMatchObject({ id: "a-meme", captions: ["No", "Yes"] });
  });

  it("answers the twelve templates", async () => {
    const body = await (await get("/api/templates")).json();
    expect(body).toHaveProperty("items.length", 12);
    expect(body).toHaveProperty("items.0.id", "reviewer-two");
    expect(body).toHaveProperty("items.0.picture", "https://memes.test/templates/reviewer-two.svg");
  });

  it.each(["/api", "/api/memes/unknown", "/api/nothing"])("%s answers 404 as a problem", async (path) => {
    const response = await get(path);
    expect(response.status).toBe(404);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(await response.json()).toMatchObject({ title: "Not Found", status: 404 });
  });
});
