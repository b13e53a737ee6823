/** A site over given memes, with a stand-in for the static files. */

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { createApp } from "../../../routes/app.ts";
import { createMemesInFile } from "../../../routes/memes-in-file.ts";
import type { Env, Meme } from "../../../routes/model.ts";

const PUBLIC = new URL("../../../public/", import.meta.url);

/** Answers with the files of public/, and remembers what it was asked for. */
export function createAssets(): { asked: string[]; fetch(request: Request): Promise<Response> } {
  const asked: string[] = [];
  return {
    asked,
    fetch: async (request) => {
      const { pathname } = new URL(request.url);
      asked.push(pathname);
      const text = await readPublic(pathname.slice(1)).catch(() => undefined);
      return text === undefined ? new Response(null, { status: 404 }) : new Response(text);
    },
  };
}

export function readPublic(path: string): Promise<string> {
  return readFile(fileURLToPath(new URL(path, PUBLIC)), "utf8");
}

/** A meme that is in order; change what the test is about. */
export function memeWith(changes: Partial<Meme> = {}): Meme {
  return {
    id: "a-meme",
    number: 1,
    title: "A meme",
    template: "nod-shake",
    captions: ["No", "Yes"],
    tags: ["coffee"],
    date: "2026-02-03",
    credit: "A friend",
    ...changes,
  };
}

export function manyMemes(count: number): Meme[] {
  return Array.from({ length: count }, (_, i) =>
    memeWith({ id: `meme-${i + 1}`, number: i + 1, title: `Title ${i + 1}` }),
  );
}

/** Asks a site that holds `memes`. */
export function siteOf(memes: readonly Meme[], env: Env = { ASSETS: createAssets(), SITE_TITLE: "Test journal" }) {
  const app = createApp(() => createMemesInFile(memes, () => 0));
  return (path: string, init?: RequestInit): Promise<Response> =>
    Promise.resolve(app.request(`https://memes.test${path}`, init, env));
}

/** What keeps a text from being well-formed XML, or `undefined`. Knows what the drawings use, not all of XML. */
export function findXmlFault(text: string): string | undefined {
  const open: string[] = [];
  const rest = text.replace(/<!--(?:(?!--).)*-->/gs, "");
  for (const [tag, closing, name = "", attributes = "", empty] of rest.matchAll(
    /<(\/?)([\w:-]+)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>/g,
  )) {
    const names = [...attributes.matchAll(/([\w:-]+)=/g)].map((match) => match[1]);
    if (/="[^"]*&(?!\w+;|#\d+;)/.test(attributes)) return `bare & in ${tag}`;
    if (new Set(names).size !== names.length) return `attribute twice in ${tag}`;
    if (closing && open.pop() !== name) return `${tag} closes something else`;
    if (!closing && !empty) open.push(name);
  }
  if (open.length > 0) return `<${open.join("><")}> not closed`;
  const between = rest.replace(/<\/?[\w:-]+(?:\s+[\w:-]+="[^"<]*")*\s*\/?>/g, "");
  if (/</.test(between)) return "a < that begins no tag";
  return /&(?!\w+;|#\d+;)/.test(between) ? "a bare &" : undefined;
}
