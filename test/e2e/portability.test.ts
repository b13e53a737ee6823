/**
 * Every function in JavaScript of this repository answers the same on a node, on workerd and on Deno: one list of
 * questions, asked of all three on real sockets, compared by status, headers and bytes.
 *
 * What differs stands in docs/compatibility.md under "The same function elsewhere", each with its reason, and is named
 * here where it is met: one that is met and not named fails, and so does one that is named and not met.
 */

import { readdir, readFile } from "node:fs/promises";
import { get as httpGet } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findDeno } from "../../src/engine/guest/find-deno.ts";
import { toNebulaError } from "../../src/model/errors.ts";
import {
  ask,
  findEntry,
  openOnDeno,
  openOnNebula,
  openOnWorkerd,
  type Place,
  type Question,
  type Reply,
  readWrangler,
} from "../support/places.ts";

const REPO = join(import.meta.dirname, "../..");

/** The headers that a function says; the others are the platform's own. */
const COMPARED = [
  "allow",
  "cache-control",
  "content-disposition",
  "content-type",
  "etag",
  "location",
  "set-cookie",
  "vary",
  "x-content-type-options",
];

type Elsewhere = "workerd" | "Deno";
/** Where something differs, and the first column of its row in the document. */
type Differs = Readonly<Partial<Record<Elsewhere, string>>>;

interface Case extends Question {
  readonly path: string;
  readonly status?: number;
  readonly differs?: Differs;
}

interface Portable {
  readonly cases: readonly Case[];
  /** The file that Deno begins at, where it is another one than for the rest. */
  readonly denoEntry?: string;
  readonly denoCommand?: "serve" | "run";
  /** Places where it does not start. */
  readonly startsNot?: Differs;
}

const ROW = {
  throws: "a handler that throws",
  deno: "`Deno.serve`, `Deno.env`",
  workers: '`import … from "cloudflare:workers"`, service bindings',
  wasm: '`import program from "./x.wasm"`',
} as const;

const THROWN: Differs = { workerd: ROW.throws, Deno: ROW.throws };
/** Longer than any piece in which bodies come. */
const LONG = "Footnotes *all* the way down, Zoë said. ∎\n\n".repeat(5_000);
const BYTES = Uint8Array.from({ length: 4_096 }, (_, i) => i % 256);

const FUNCTIONS: Readonly<Record<string, Portable>> = {
  hello: {
    cases: [
      { path: "/" },
      { path: "/any/path?and=query&x=%00%ff" },
      { path: "//two//slashes/../up" },
      { path: "/", method: "HEAD" },
      { path: "/", method: "POST", body: "a body that nobody reads" },
      { path: "/", method: "PUT", body: BYTES },
      { path: "/", method: "OPTIONS" },
      { path: "/", method: "PROPFIND" },
    ],
  },
  "hello-deno": {
    denoCommand: "run",
    startsNot: { workerd: ROW.deno },
    cases: [
      { path: "/" },
      { path: "/?name=Ada&zone=Europe/Berlin" },
      { path: "/?name=%20Zo%C3%AB+%F0%9F%A6%89%20" },
      { path: `/?name=${"x".repeat(500)}` },
      { path: "/?name=%3Cscript%3E%22%27%26", headers: { accept: "text/html" } },
      { path: "/?zone=Moon/Base", status: 400 },
      { path: "/", method: "POST", body: "x", status: 405 },
      { path: "/?name=Ada", method: "HEAD" },
    ],
  },
  "citation-stream": {
    cases: [
      { path: "/?n=5&delay=20" },
      { path: "/?n=100&delay=0" },
      { path: "/?n=3&delay=0", headers: { accept: "text/event-stream" } },
      { path: "/?n=3&delay=0", method: "HEAD" },
      { path: "/?n=0", status: 400 },
      { path: "/?n=101", status: 400 },
      { path: "/?n=1e1", status: 400 },
      { path: "/?delay=-1", status: 400 },
      { path: "/?n=%F0%9F%A6%89", status: 400 },
    ],
  },
  fibonacci: {
    cases: [
      { path: "/" },
      { path: "/?n=0" },
      { path: "/?n=93" },
      { path: "/?n=007" },
      { path: "/?n=10&n=11" },
      { path: "/?n=20&recursive=1" },
      { path: "/?n=20", method: "HEAD" },
      { path: "/?n=20", method: "POST", body: "a body that nobody reads" },
      { path: "/?n=94", status: 500, differs: THROWN },
      { path: "/?n=46&recursive=1", status: 500, differs: THROWN },
      { path: "/?n=-1", status: 500, differs: THROWN },
      { path: "/?n=", status: 500, differs: THROWN },
    ],
  },
  markdown: {
    denoEntry: "deno.ts",
    cases: [
      { path: "/" },
      { path: "/", method: "HEAD" },
      { path: "/?input=%2Ahi%2A" },
      { path: "/", method: "POST", body: "" },
      { path: "/", method: "POST", body: "# Größe\n\n1. *one* <b>two</b>\n2. [three](javascript:x) ∎ 🦉\n" },
      { path: "/", method: "POST", body: LONG },
      { path: "/", method: "POST", body: LONG, headers: { "transfer-encoding": "chunked" } },
      { path: "/?input=%ff", status: 400 },
      { path: "/", method: "POST", body: BYTES, status: 400 },
    ],
  },
  caption: {
    denoEntry: "deno.ts",
    cases: [
      { path: "/?template=two-doors&text=The+deadline&text=A+short+nap&text=I+will+be+quick" },
      { path: "/?template=proof-gap&top=One+does+not&bottom=Zo%C3%AB+%E2%88%8E&width=600" },
      { path: "/?template=two-doors&text=a", method: "HEAD" },
      { path: "/" },
      { path: "/?template=goose", status: 400 },
      { path: "/?template=two-doors&text=%ff", status: 400 },
      { path: "/?template=two-doors&text=a&width=99999", status: 400 },
    ],
  },
  "hello-wasm-js": {
    cases: [
      { path: "/" },
      { path: "/?in=de&name=Ada" },
      { path: "/?in=tlh", status: 404 },
      { path: "/", method: "HEAD" },
      { path: "/?in=fr", method: "POST", body: " Zoë 🦉 \n" },
      { path: "/", method: "POST", body: BYTES },
      { path: "/", method: "POST", body: LONG },
    ],
  },
  "reading-list": {
    startsNot: { Deno: ROW.workers },
    cases: [
      { path: "/" },
      { path: "/?topic=logic" },
      { path: "/?topic=none", status: 404 },
      { path: "/", method: "HEAD" },
      { path: "/?topic=machines", method: "POST", body: "x" },
    ],
  },
};

const NAMES = Object.keys(FUNCTIONS);
const deno = (() => {
  try {
    return findDeno().binary;
  } catch (thrown) {
    if (process.env.CI) throw thrown; // there has to be Deno where CI runs
    console.warn(`skipped: functions on Deno: ${toNebulaError(thrown).message}`);
    return undefined;
  }
})();

/** What has to be the same everywhere. */
function toComparable({ status, headers, bytes }: Reply) {
  const said = COMPARED.flatMap((name) => (headers[name] === undefined ? [] : [`${name}: ${headers[name]}`]));
  return { status, said, body: bytes.toString("latin1") };
}

/** The pieces in which a body comes. */
async function readPieces({ url }: Place, path: string, host: string): Promise<readonly string[]> {
  const { hostname, port } = new URL(url);
  const pieces: string[] = [];
  await new Promise<void>((resolve, reject) => {
    httpGet({ hostname, port, path, headers: { host }, agent: false }, (response) => {
      response.on("data", (piece) => pieces.push(String(piece)));
      response.on("end", resolve).on("error", reject);
    }).on("error", reject);
  });
  return pieces;
}

/** On Deno, from the file that is made for it, or from the one that all places begin at. */
async function openDeno(name: string, { isCommonEntry = false } = {}): Promise<Place> {
  const { denoEntry, denoCommand = "serve" } = FUNCTIONS[name] ?? {};
  const wrangler = await readWrangler(`functions/${name}`);
  const entry = join("functions", name, (!isCommonEntry && denoEntry) || findEntry(wrangler));
  return await openOnDeno(entry, { command: denoCommand, ...(wrangler.vars && { env: wrangler.vars }) });
}

describe("a function", () => {
  const places = new Map<string, Place>();
  const opened: Place[] = [];
  const at = (place: "Nebula" | Elsewhere, name: string): Place => {
    const found = places.get(`${place} ${name}`) ?? places.get(place);
    if (found === undefined) throw new Error(`${name} was not started on ${place}`);
    return found;
  };

  beforeAll(async () => {
    const open = async (key: string, opening: Promise<Place>) => {
      const place = await opening;
      opened.push(place);
      places.set(key, place);
    };
    const onWorkerd = NAMES.filter((name) => !FUNCTIONS[name]?.startsNot?.workerd);
    const onDeno = deno === undefined ? [] : NAMES.filter((name) => !FUNCTIONS[name]?.startsNot?.Deno);
    await Promise.all([
      open("Nebula", openOnNebula(toFolders(NAMES), "isolate")),
      open("workerd", openOnWorkerd(toFolders(onWorkerd))),
      ...onDeno.map((name) => open(`Deno ${name}`, openDeno(name))),
    ]);
  }, 120_000);
  afterAll(() => Promise.all(opened.map((place) => place[Symbol.asyncDispose]())));

  const elsewhere: readonly Elsewhere[] = deno === undefined ? ["workerd"] : ["workerd", "Deno"];
  describe.each(elsewhere)("on %s", (place) => {
    const starting = NAMES.filter((name) => !FUNCTIONS[name]?.startsNot?.[place]);
    const questions = starting.flatMap((name) =>
      (FUNCTIONS[name]?.cases ?? []).map((each) => ({ ...each, name, method: each.method ?? "GET" })),
    );

    it.each(questions)(
      "answers as on a node: $name $method $path",
      async ({ name, path, status = 200, differs, ...question }) => {
        const host = `${name}.localhost`;
        const [here, there] = await Promise.all([
          ask(at("Nebula", name), path, { ...question, host }),
          ask(at(place, name), path, { ...question, host }),
        ]);
        expect([here.status, there.status]).toEqual([status, status]);
        if (differs?.[place]) expect(toComparable(there)).not.toEqual(toComparable(here));
        else expect(toComparable(there)).toEqual(toComparable(here));
      },
    );

    it("sends a body as it is made, as on a node", async () => {
      for (const each of ["Nebula", place] as const) {
        const pieces = await readPieces(at(each, "citation-stream"), "/?n=4&delay=100", "citation-stream.localhost");
        expect(pieces.length, each).toBeGreaterThanOrEqual(3);
        expect(pieces.join("").trimEnd().split("\n"), each).toHaveLength(4);
      }
    });

    it.each(NAMES.filter((name) => !starting.includes(name)))(
      "does not start, as the document says: %s",
      async (name) => {
        if (place === "Deno") await expect(openDeno(name)).rejects.toThrow('Unsupported scheme "cloudflare"');
        else await expect(openOnWorkerd(toFolders([name]))).rejects.toThrow("Deno is not defined");
      },
    );
  });

  it.runIf(deno)("with a program of Wasm needs a file of its own for Deno, as the document says", async () => {
    for (const name of NAMES.filter((each) => FUNCTIONS[each]?.denoEntry)) {
      await expect(openDeno(name, { isCommonEntry: true })).rejects.toThrow("wasi_snapshot_preview1");
    }
  });

  it("in JavaScript is in this list", async () => {
    const folders = await readdir(join(REPO, "functions"), { withFileTypes: true });
    const names: string[] = [];
    for (const { name } of folders.filter((each) => each.isDirectory() && !each.name.startsWith("_"))) {
      if (findEntry(await readWrangler(`functions/${name}`)).endsWith(".ts")) names.push(name);
    }
    expect(NAMES.toSorted()).toEqual(names.toSorted());
  });

  it("that differs is in docs/compatibility.md, and nothing else is", async () => {
    const text = await readFile(join(REPO, "docs/compatibility.md"), "utf8");
    const [, section = ""] = text.split("\n## The same function elsewhere\n");
    const rows = (section.split("\n## ")[0] ?? "")
      .split("\n")
      .filter((line) => line.startsWith("|"))
      .slice(2);
    const named = Object.values(FUNCTIONS).flatMap(({ startsNot, cases, denoEntry }) => [
      ...Object.values(startsNot ?? {}),
      ...cases.flatMap(({ differs }) => Object.values(differs ?? {})),
      ...(denoEntry ? [ROW.wasm] : []),
    ]);
    expect(rows.map((row) => row.split(" | ")[0]?.slice(2)).toSorted()).toEqual([...new Set(named)].toSorted());
  });
});

function toFolders(names: readonly string[]): readonly string[] {
  return names.map((name) => `functions/${name}`);
}
