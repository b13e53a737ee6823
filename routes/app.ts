/**
 * The wiring: which path leads to which file, and what every response has in common.
 */

import { Hono } from "hono";
import { trimTrailingSlash } from "hono/trailing-slash";
import { api } from "./api.ts";
import { protect, revalidate } from "./headers.ts";
import type { Env, Memes, Site } from "./model.ts";
import { aboutPage } from "./pages/about.ts";
import { galleryPage } from "./pages/gallery.ts";
import { memePage } from "./pages/meme.ts";
import { errorPage, notFoundPage } from "./pages/problems.ts";
import { templatesPage } from "./pages/templates.ts";
import { picture } from "./picture.ts";
import { problem } from "./problem.ts";

/** Makes the site. `openMemes` is called once per request with the platform's bindings; it must be cheap. */
export function createApp(openMemes: (env: Env) => Memes): Hono<Site> {
  const app = new Hono<Site>();

  app.use(protect);
  app.use(revalidate);
  app.use(trimTrailingSlash());
  app.use(async (c, next) => {
    c.set("memes", openMemes(c.env ?? {}));
    await next();
  });

  app.get("/", galleryPage);
  app.get("/m/:id", memePage);
  app.get("/m/:id/picture.svg", picture);
  app.get("/templates", templatesPage);
  app.get("/about", aboutPage);
  app.get("/random", async (c) => {
    const meme = await c.var.memes.random();
    c.header("cache-control", "no-store");
    return c.redirect(meme ? `/m/${meme.id}` : "/", 302);
  });
  app.route("/api", api);

  app.notFound((c) => (isApi(c.req.path) ? problem(c, 404, "There is nothing at this address") : notFoundPage(c)));
  app.onError((error, c) => {
    console.error(error); // for the owner's log; a visitor is told nothing of it
    return isApi(c.req.path) ? problem(c, 500, "Something went wrong on our side") : errorPage(c);
  });
  return app;
}

function isApi(path: string): boolean {
  return path === "/api" || path.startsWith("/api/");
}
