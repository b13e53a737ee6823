/**
 * What auditors of web pages look at, on every kind of page of Academemes: who can read it, what it weighs, what it
 * says of itself, and whether it stands still.
 */

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { AxeResults } from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DEVICES, openBrowser, openVisit, type Visit, withBrowser } from "../support/browser.ts";
import { openOnNebula, type Place } from "../support/places.ts";

const KIB = 1_024;
/** Over the wire; what a function makes is not compressed. The largest has 11. */
const MOST_PICTURE_BYTES = 12 * KIB;
/** The page, its style, its scripts and all that its nine figures load, headers included: 90 of them here. */
const MOST_PAGE_BYTES = 100 * KIB;
/** A picture for those that share it. */
const MOST_PREVIEW_BYTES = 256 * KIB;
/** WCAG 2.2, 2.5.8. */
const LEAST_TARGET_PIXELS = 24;
/** Of the height and width of the screen; up to 0.1 counts as good. */
const MOST_SHIFT = 0.01;
/** Up to 2.5 seconds count as good, on any machine; here it may be busy with other things. */
const MOST_PAINT_MS = 4_000;

interface Kind {
  readonly path: string;
  /** 200 unless said. */
  readonly status?: number;
  /** For search engines, with an address of its own. */
  readonly isIndexed?: boolean;
  /** What is done on it before it is looked at. */
  readonly act?: (page: Page) => Promise<unknown>;
}

const KINDS: Readonly<Record<string, Kind>> = {
  gallery: { path: "/", isIndexed: true },
  "last page": { path: "/?page=4", isIndexed: true },
  tag: { path: "/?tag=coffee", isIndexed: true },
  search: { path: "/?q=review&order=top", isIndexed: true },
  "search without hits": { path: "/?q=zebrafish", isIndexed: true },
  meme: { path: "/m/null-result", isIndexed: true, act: (page) => page.locator("summary").click() },
  "meme with a vote": {
    path: "/m/free-food",
    isIndexed: true,
    act: (page) => leave(page, () => page.locator(".verdict button").click()),
  },
  templates: { path: "/templates", isIndexed: true },
  "make: choose": { path: "/make", isIndexed: true },
  "make: form": { path: "/make/four-stages", isIndexed: true },
  "make: faults": { path: "/make/two-doors?preview=1&caption=Work" },
  about: { path: "/about", isIndexed: true },
  "not found": { path: "/nothing/here", status: 404 },
  refused: {
    path: "/m/null-result",
    act: (page) =>
      leave(page, async () => {
        await page.locator(".verdict button").evaluate((each) => each.setAttribute("value", "maybe"));
        await page.locator(".verdict button").click();
      }),
  },
};

interface Head extends Readonly<Record<string, string | undefined>> {
  readonly lang: string;
  readonly title: string;
  readonly canonical: string;
}

interface Picture {
  readonly src: string;
  readonly alt: string | null;
  readonly width: string | null;
  readonly height: string | null;
  readonly isBroken: boolean;
}

interface Vitals {
  readonly shift: number;
  readonly largestPaintMs: number;
}

async function leave(page: Page, act: () => Promise<unknown>): Promise<void> {
  await Promise.all([page.waitForNavigation(), act()]);
}

/** What axe has to say: one line for each thing that is wrong, and where. */
async function listViolations(page: Page, what: object): Promise<readonly string[]> {
  const { violations } = await page.evaluate<AxeResults>(`axe.run(document, ${JSON.stringify(what)})`);
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target}: ${failureSummary}`),
  );
}

const ALL = {
  runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
  rules: { "target-size": { enabled: true } },
};
/** Those that look at colours. */
const COLOURS = { runOnly: { type: "rule", values: ["color-contrast", "link-in-text-block"] } };

await withBrowser("the quality of Academemes", () => {
  let node: Place;
  let browser: Browser;
  let axe: string;

  beforeAll(async () => {
    const path = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
    [node, browser, axe] = await Promise.all([openOnNebula(), openBrowser(), readFile(path, "utf8")]);
  });

  afterAll(async () => {
    await browser?.close();
    await node?.[Symbol.asyncDispose]();
  });

  describe.each(Object.entries(DEVICES))("on a %s", (device, look) => {
    let visit: Visit;
    beforeAll(async () => {
      visit = await openVisit(browser, node.url, look);
    });
    afterAll(() => visit[Symbol.asyncDispose]());

    it.each(Object.entries(KINDS))("everybody can use this page: %s", async (_, { path, act, status = 200 }) => {
      const { page } = visit;
      await page.emulateMedia({ colorScheme: "light" });
      expect(await visit.open(path)).toEqual({ status });
      await act?.(page);
      expect(await page.evaluate("inPage.overflow()")).toEqual([]);
      const least = device === "phone" ? LEAST_TARGET_PIXELS : 0;
      expect(await page.evaluate(`inPage.smallTargets(${least})`)).toEqual([]);
      await page.evaluate(axe);
      expect(await listViolations(page, ALL)).toEqual([]);
      await page.emulateMedia({ colorScheme: "dark" });
      expect(await listViolations(page, COLOURS)).toEqual([]);
      expect(visit.faults).toEqual([]);
    });
  });

  it("what would be wrong is found", async () => {
    await using visit = await openVisit(browser, node.url, DEVICES.phone);
    const { page } = visit;
    await visit.open("/");
    await page.evaluate(`
      document.documentElement.removeAttribute("lang");
      document.images[0].removeAttribute("alt");
      document.querySelector("label").remove();
      document.querySelector(".abstract p").style.color = "#ccc";
      document.querySelector(".search").style.width = "120vw";
      document.querySelector(".search button").style.cssText = "min-height: 0; height: 20px";
    `);
    await page.evaluate(axe);
    const found = (await listViolations(page, ALL)).join("\n");
    for (const rule of ["html-has-lang", "image-alt", "label", "color-contrast"]) expect(found).toContain(`${rule}: `);
    expect(await page.evaluate("inPage.overflow()")).not.toEqual([]);
    expect(await page.evaluate(`inPage.smallTargets(${LEAST_TARGET_PIXELS})`)).toHaveLength(1);
  });

  it("narrow phones, wide letters and letters twice as large are no reason to scroll sideways", async () => {
    await using visit = await openVisit(browser, node.url);
    const style = "document.documentElement.style";
    for (const { path } of Object.values(KINDS)) {
      await visit.page.setViewportSize({ width: 320, height: 568 });
      await visit.open(path);
      expect(await visit.page.evaluate("inPage.overflow()"), path).toEqual([]);
      await visit.page.evaluate(`${style}.setProperty("--serif", "DejaVu Sans")`);
      expect(await visit.page.evaluate("inPage.overflow()"), `wide: ${path}`).toEqual([]);
      await visit.page.setViewportSize({ width: 640, height: 568 });
      await visit.page.evaluate(`${style}.fontSize = "34px"`);
      expect(await visit.page.evaluate("inPage.overflow()"), `large: ${path}`).toEqual([]);
    }
  });

  describe("without anything kept from before", () => {
    let visit: Visit;
    const titles: string[] = [];
    const kinds = Object.entries(KINDS).filter(([, { act, isIndexed }]) => isIndexed || act === undefined);
    beforeAll(async () => {
      visit = await openVisit(browser, node.url, DEVICES.phone);
      const session = await visit.page.context().newCDPSession(visit.page);
      await session.send("Network.enable");
      await session.send("Network.setCacheDisabled", { cacheDisabled: true });
    });
    afterAll(() => visit[Symbol.asyncDispose]());

    it.each(kinds)("%s: stands still, is light, and says what it is", async (_, { path, isIndexed = false }) => {
      const { page } = visit;
      await visit.open(path);
      const read = () => page.evaluate<Vitals>("inPage.vitals()");
      await expect.poll(async () => (await read()).largestPaintMs, { timeout: MOST_PAINT_MS }).toBeGreaterThan(0);
      const { shift, largestPaintMs } = await read();
      expect(shift).toBeLessThanOrEqual(MOST_SHIFT);
      expect(largestPaintMs).toBeLessThanOrEqual(MOST_PAINT_MS);

      await page.evaluate("inPage.loadAll()");
      const pictures = await page.evaluate<readonly Picture[]>("inPage.pictures()");
      const sizes = await visit.takeSizes();
      expect([...sizes.values()].reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(MOST_PAGE_BYTES);
      for (const { src, alt, width, height, isBroken } of pictures) {
        expect({ src, width, height, isBroken }).toEqual({ src, width: "1200", height: "900", isBroken: false });
        expect(alt?.length, src).toBeGreaterThan(10);
        expect(sizes.get(src), src).toBeGreaterThan(KIB);
        expect(sizes.get(src), src).toBeLessThanOrEqual(MOST_PICTURE_BYTES);
      }

      const head = await page.evaluate<Head>("inPage.head()");
      titles.push(head.title);
      expect(head.lang).toBe("en");
      expect(head.title.length).toBeGreaterThan(10);
      expect(head.description?.length).toBeGreaterThan(10);
      expect(head.viewport).toBe("width=device-width, initial-scale=1");
      expect(head.robots).toBe(isIndexed ? undefined : "noindex");
      const address = isIndexed ? new URL(path, node.url).href : undefined;
      expect([head.canonical, head["og:url"]]).toEqual([address ?? "", address]);
      if (isIndexed) expect([head["og:title"], head["og:description"]]).not.toContain(undefined);
    });

    it("no two kinds have the same title", () => {
      expect(titles.filter((title, i) => titles.indexOf(title) !== i)).toEqual([]);
    });
  });

  it("what is shown where a page is shared can be fetched, and is what it says", async () => {
    await using visit = await openVisit(browser, node.url);
    await visit.open("/m/null-result");
    const head = await visit.page.evaluate<Head>("inPage.head()");
    expect(head["og:type"]).toBe("article");
    expect(head["og:image:alt"]).toContain("It says:");
    expect(head["twitter:image"]).toBe(head["og:image"]);
    expect(new URL(head["og:image"] ?? "").origin).toBe(new URL(node.url).origin);
    expect((await fetch(head["og:url"] ?? "")).status).toBe(200);
    const answer = await fetch(head["og:image"] ?? "");
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, head["og:image:type"]]);
    const png = Buffer.from(await answer.arrayBuffer());
    expect([png.subarray(1, 4).toString(), png.length < MOST_PREVIEW_BYTES]).toEqual(["PNG", true]);
    const size = [png.readUInt32BE(16), png.readUInt32BE(20)].map(String);
    expect(size).toEqual([head["og:image:width"], head["og:image:height"]]);
  });
});
