/**
 * The wiring: which path leads to which file, and what every response has in common.
 */

import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { csrf } from "hono/csrf";
import { HTTPException } from "hono/http-exception";
import { trimTrailingSlash } from "hono/trailing-slash";
import { api } from "./api.ts";
import { feed, robots, sitemap } from "./feed.ts";
import { protect, revalidate } from "./headers.ts";
import { createKeeper } from "./kept.ts";
import { draftPicture, makePage, publishMeme } from "./make.ts";
import type { Env, Memes, Site } from "./model.ts";
import { aboutPage } from "./pages/about.ts";
import { choosePage } from "./pages/choose.ts";
import { galleryPage } from "./pages/gallery.ts";
import { memePage } from "./pages/meme.ts";
import { failurePage, notFoundPage } from "./pages/problems.ts";
import { templatesPage } from "./pages/templates.ts";
import { picture } from "./picture.ts";
import { previewPicture } from "./preview.ts";
import { type ProblemStatus, problem } from "./problem.ts";
import { findVisitor } from "./visitor.ts";
import { voteForm } from "./vote.ts";

/** More than the longest draft, in any alphabet and any encoding of it. */
const MAX_BODY_BYTES = 16 * 1024;

/** Makes the site. `openMemes` is called once per request with the platform's bindings; it must be cheap. */
export function createApp(openMemes: (env: Env) => Memes): Hono<Site> {
  const app = new Hono<Site>();
  const keep = createKeeper((c) => c.var.memes.version());
  /** For what stays as it is as long as the code does. */
  const keepForGood = createKeeper(() => 0);

  app.use(protect);
  app.use(revalidate);
  app.use(trimTrailingSlash());
  app.use(bodyLimit({ maxSize: MAX_BODY_BYTES, onError: () => refuse(413) }));
  app.use(async (c, next) => {
    c.set("memes", openMemes(c.env ?? {}));
    await next();
  });

  app.get("/", keep, galleryPage);
  app.get("/m/:id", (c, next) => (findVisitor(c) ? next() : keep(c, next)), memePage);
  app.get("/m/:id/picture.svg", picture);
  app.get("/m/:id/picture.png", previewPicture);
  app.get("/templates", keepForGood, templatesPage);
  app.get("/about", keepForGood, aboutPage);
  app.get("/random", async (c) => {
    const meme = await c.var.memes.random();
    c.header("cache-control", "no-store");
    return c.redirect(meme ? `/m/${meme.id}` : "/", 302);
  });
  app.get("/make", keepForGood, choosePage);
  app.get("/make/:template", makePage);
  app.get("/make/:template/picture.svg", draftPicture);
  app.get("/feed.xml", keep, feed);
  app.get("/sitemap.xml", keep, sitemap);
  app.get("/robots.txt", keepForGood, robots);

  // A form may be sent from a page of this site alone: by Origin or by Sec-Fetch-Site, whichever the browser tells.
  app.post("/make/:template", csrf(), publishMeme);
  app.post("/m/:id/vote", csrf(), voteForm);

  app.use("/api/memes/*", (c, next) => keep(c, next));
  app.use("/api/tags", (c, next) => keep(c, next));
  app.use("/api/templates", (c, next) => keepForGood(c, next));
  app.use("/api/openapi.json", (c, next) => keepForGood(c, next));
  app.route("/api", api);

  app.notFound((c) => (isApi(c.req.path) ? problem(c, 404, "There is nothing at this address") : notFoundPage(c)));
  app.onError((error, c) => {
    const status = error instanceof HTTPException ? toProblemStatus(error.status) : 500;
    if (status === 500) console.error(error); // for the owner's log; a visitor is told nothing of it
    return isApi(c.req.path)
      ? problem(c, status, SAID[status] ?? "Something went wrong on our side")
      : failurePage(c, status);
  });
  return app;
}

/** What programs are told of a refusal that no handler has put into words. */
const SAID: Partial<Record<ProblemStatus, string>> = {
  403: "The request comes from a page of another site",
  413: `The body may have at most ${MAX_BODY_BYTES} bytes`,
};

function refuse(status: 413): never {
  throw new HTTPException(status);
}

function toProblemStatus(status: number): ProblemStatus {
  return status === 403 || status === 413 || status === 415 ? status : 500;
}

function isApi(path: string): boolean {
  return path === "/api" || path.startsWith("/api/");
}
