/**
 * A visitor's vote, from the form below a figure. The page shown afterwards is a GET: to reload it votes nothing.
 */

import type { Context } from "hono";
import { readForm } from "./form.ts";
import type { Site } from "./model.ts";
import { failurePage, notFoundPage } from "./pages/problems.ts";
import { findAddress, openVisitor } from "./visitor.ts";

export async function voteForm(c: Context<Site, "/m/:id/vote">): Promise<Response> {
  const id = c.req.param("id");
  const vote = (await readForm(c)).get("vote");
  if (vote !== "accept" && vote !== "retract") return failurePage(c, 400);
  const waitSeconds = await c.var.memes.take("vote", findAddress(c));
  if (waitSeconds !== undefined) {
    c.header("retry-after", String(waitSeconds));
    return failurePage(c, 429);
  }
  const votes = await c.var.memes.vote(id, openVisitor(c), vote === "accept");
  if (votes === undefined) return notFoundPage(c);
  c.header("cache-control", "no-store");
  return c.redirect(`/m/${id}#verdict`, 303);
}
