/** A site over given memes, with a stand-in for the static files. */

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { createApp } from "../../../routes/app.ts";
import type { D1Database } from "../../../routes/db/d1.ts";
import { openMemes } from "../../../routes/db/memes.ts";
import { migrate, openSqlite } from "../../../routes/elsewhere/sqlite.ts";
import type { Draft, Env, Meme } from "../../../routes/model.ts";

const PUBLIC = new URL("../../../public/", import.meta.url);
const MIGRATIONS = fileURLToPath(new URL("../../../migrations/academemes", import.meta.url));

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

const STANDARD: Env = { ASSETS: createAssets(), SITE_TITLE: "Test journal" };

export function readPublic(path: string): Promise<string> {
  return readFile(fileURLToPath(new URL(path, PUBLIC)), "utf8");
}

/** A draft that is in order; change what the test is about. */
export function draftWith(changes: Partial<Draft> = {}): Draft {
  return {
    title: "A meme",
    template: "nod-shake",
    captions: ["No", "Yes"],
    tags: ["coffee"],
    credit: "A friend",
    ...changes,
  };
}

/** A meme as it stands in the database. */
export function memeWith(changes: Partial<Meme> = {}): Meme {
  return { ...draftWith(), id: "a-meme", number: 1, published: "2026-02-03T08:00:00Z", votes: 0, ...changes };
}

export function manyMemes(count: number): Meme[] {
  return Array.from({ length: count }, (_, i) =>
    memeWith({ id: `meme-${i + 1}`, number: i + 1, title: `Title ${i + 1}` }),
  );
}

/** The site's database in memory, migrated, with these memes; without any given, with those it comes with. */
export async function databaseOf(memes?: readonly Meme[]): Promise<D1Database> {
  const db = openSqlite(":memory:");
  await migrate(db, MIGRATIONS);
  if (memes) {
    await db.batch(["DELETE FROM memes", "DELETE FROM sqlite_sequence"].map((sql) => db.prepare(sql)));
  }
  const insert = db.prepare(
    "INSERT INTO memes (number, id, title, template, captions, tags, published, credit, votes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
  );
  for (const meme of memes ?? []) {
    const [captions, tags] = [JSON.stringify(meme.captions), JSON.stringify(meme.tags)];
    const { number, id, title, template, published, credit, votes } = meme;
    await insert.bind(number, id, title, template, captions, tags, published, credit, votes).run();
  }
  return db;
}

export interface SiteOptions {
  readonly env?: Env;
  /** In milliseconds. */
  readonly now?: () => number;
}

/** Asks a site that holds `memes`, as a program on this machine. */
export function siteOf(memes?: readonly Meme[], { env = STANDARD, now }: SiteOptions = {}) {
  const opening = databaseOf(memes).then((db) => ({ DB: db, memes: openMemes(db, now) }));
  return async (path: string, init?: RequestInit): Promise<Response> => {
    const { DB, memes } = await opening;
    return createApp(() => memes).request(`https://memes.test${path}`, init, { DB, ...env });
  };
}

/** A form as a browser sends it from a page of the site. */
export function formOf(
  fields: readonly (readonly [string, string])[],
  headers: Record<string, string> = {},
): RequestInit {
  return {
    method: "POST",
    headers: { origin: "https://memes.test", "sec-fetch-site": "same-origin", ...headers },
    body: new URLSearchParams(fields.map(([name, value]) => [name, value])),
  };
}

/** A body as JSON. */
export function jsonOf(body: unknown, headers: Record<string, string> = {}): RequestInit {
  return { method: "POST", headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) };
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
