/**
 * Academemes as people meet it: in Chromium, by keyboard alone, on a phone, and without JavaScript.
 *
 * What is on the screen at the end of each step is kept under test/output/screenshots, to be looked at.
 */

import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DEVICES, keepScreenshot, openBrowser, openVisit, type Visit, withBrowser } from "../support/browser.ts";
import { openOnNebula, type Place } from "../support/places.ts";

/** More stops than any page has. */
const MOST_STOPS = 80;
/** It fits the form and no place in any drawing. */
const TOO_LONG = "Incomprehensibilities".repeat(5);

const heading = (page: Page) => page.locator("main h1").textContent();
const pathOf = (page: Page) => new URL(page.url()).pathname + new URL(page.url()).search;

interface Focus {
  readonly what: string;
  /** Why it cannot be seen. */
  readonly fault: string;
  readonly isFirst: boolean;
}

/** Goes on with Tab until that is reached, as somebody does who cannot use a mouse, and must see where he is. */
async function tabTo(page: Page, selector: string): Promise<void> {
  const passed: string[] = [];
  for (let i = 0; i < MOST_STOPS; i++) {
    await page.keyboard.press("Tab");
    const { what, fault, isFirst } = await page.evaluate<Focus>(`inPage.focus(${JSON.stringify(selector)})`);
    expect(fault).toBe("");
    if (isFirst) return;
    passed.push(what);
  }
  throw new Error(`the keyboard does not get to ${selector}: ${passed.join(", ")}`);
}

/** Does what leads to another page, and waits for that. */
async function follow(page: Page, act: () => Promise<void>): Promise<void> {
  await Promise.all([page.waitForNavigation({ waitUntil: "load" }), act()]);
}

const enter = (page: Page) => follow(page, () => page.keyboard.press("Enter"));

/** What a screen reader says of a text field. */
async function hear(page: Page, accessibleName: string) {
  const session = await page.context().newCDPSession(page);
  const { root } = await session.send("DOM.getDocument");
  const question = { nodeId: root.nodeId, role: "textbox", accessibleName };
  const { nodes } = await session.send("Accessibility.queryAXTree", question);
  await session.detach();
  const [field] = nodes;
  const invalid = field?.properties?.find(({ name }) => name === "invalid");
  return { description: String(field?.description?.value ?? ""), isInvalid: invalid?.value.value === "true" };
}

async function hasPicture(page: Page, selector: string): Promise<boolean> {
  const image = page.locator(selector).first();
  return await image.evaluate((each) => (each as unknown as { naturalWidth: number }).naturalWidth > 0);
}

await withBrowser("Academemes in Chromium", () => {
  let node: Place;
  let browser: Browser;

  beforeAll(async () => {
    [node, browser] = await Promise.all([openOnNebula(), openBrowser()]);
  });

  afterAll(async () => {
    await browser?.close();
    await node?.[Symbol.asyncDispose]();
  });

  describe.each(Object.keys(DEVICES) as (keyof typeof DEVICES)[])("on a %s", (device) => {
    it.each(["light", "dark"] as const)("it is worth looking at, %s", async (colorScheme) => {
      const visit = await openVisit(browser, node.url, { ...DEVICES[device], colorScheme });
      await using _ = visit;
      const { page } = visit;
      const keep = (name: string, whole = {}) => keepScreenshot(page, `${name}-${device}-${colorScheme}`, whole);
      await visit.open("/");
      const paper = await page.evaluate<string>("getComputedStyle(document.documentElement).backgroundColor");
      const brightness = Math.max(...(paper.match(/\d+/g) ?? []).map(Number));
      expect(brightness < 64 ? "dark" : "light").toBe(colorScheme);
      await keep("gallery");
      await page.evaluate("inPage.loadAll()");
      await keep("gallery-whole", { isWhole: true });
      await visit.open("/m/null-result");
      await keep("meme");
      await follow(page, () => page.locator(".verdict button").click());
      await keep("voted");
      await visit.open(`/make/two-doors?preview=1&caption=Work&caption=Nap&caption=${encodeURIComponent(TOO_LONG)}`);
      await keep("make", { isWhole: true });
      await visit.open("/nothing/here");
      await keep("not-found");
      expect(visit.faults).toEqual([]);
    });
  });

  describe("by keyboard alone", () => {
    let visit: Visit;
    let page: Page;
    beforeAll(async () => {
      visit = await openVisit(browser, node.url);
      page = visit.page;
    });
    afterAll(async () => {
      await visit[Symbol.asyncDispose]();
      expect(visit.faults).toEqual([]);
    });

    it("one gets past the masthead, and to the next page", async () => {
      await visit.open("/");
      await tabTo(page, ".skip");
      await page.keyboard.press("Enter");
      await tabTo(page, "#q"); // the first thing of the content
      await tabTo(page, "a[rel=next]");
      await enter(page);
      expect([pathOf(page), await heading(page)]).toEqual(["/?page=2", "Abstract"]);
      expect(await page.locator(".pager").textContent()).toMatch(/Page 2 of \d/);
    });

    it("one turns the pages with the arrow keys, but not while typing", async () => {
      await follow(page, () => page.keyboard.press("ArrowRight"));
      expect(pathOf(page)).toBe("/?page=3");
      await follow(page, () => page.keyboard.press("ArrowLeft"));
      await tabTo(page, "#q");
      await page.keyboard.type("coff");
      await page.keyboard.press("ArrowLeft");
      expect(pathOf(page)).toBe("/?page=2");
      await enter(page);
      expect(await heading(page)).toBe("Search: coff");
      expect(await page.locator(".gallery li").count()).toBeGreaterThan(1);
    });

    it("one is told when nothing is found, and led on", async () => {
      await visit.open("/?q=zebrafish");
      expect(await page.locator(".nothing").textContent()).toContain("No figure matches");
      await keepScreenshot(page, "nothing-found");
      await tabTo(page, ".nothing a");
      await enter(page);
      expect(pathOf(page)).toBe("/");
    });

    it("one follows a tag to a meme, and takes a random one", async () => {
      await tabTo(page, '.tags a[href="/?tag=coffee"]');
      await enter(page);
      expect(await heading(page)).toBe("Keyword: coffee");
      const title = await page.locator(".gallery figcaption > a").first().textContent();
      await tabTo(page, ".gallery figure > a");
      await enter(page);
      expect(await heading(page)).toBe(title);
      expect(await hasPicture(page, ".plate img")).toBe(true);
      await tabTo(page, '.masthead a[href="/random"]');
      await enter(page);
      expect(pathOf(page)).toMatch(/^\/m\/[a-z0-9-]+$/);
    });

    it("one makes a meme, after being told at its field what is wrong with it", async () => {
      await tabTo(page, '.masthead a[href="/make"]');
      await enter(page);
      await tabTo(page, '.choices a[href="/make/nod-shake"]');
      await enter(page);
      await tabTo(page, "#caption-1");
      const isDrawn = page.waitForResponse(/picture\.svg\?caption=/);
      await page.keyboard.type(TOO_LONG);
      expect((await isDrawn).status()).toBe(200); // the preview follows the typing
      expect(await hear(page, "First caption")).toEqual({ description: "", isInvalid: false });
      await tabTo(page, "#caption-2");
      await page.keyboard.type("Reading the abstract <twice> & nodding");
      await tabTo(page, "#title");
      await page.keyboard.type("On the reading of manuals");
      await tabTo(page, "#tags");
      await page.keyboard.type("methods, keyboards");
      await tabTo(page, "button.primary");
      await enter(page);

      expect(await page.title()).toMatch(/^Major revisions/);
      const reason = "First caption does not fit its place: try fewer or shorter words.";
      expect(await hear(page, "First caption")).toEqual({ description: reason, isInvalid: true });
      expect(await hear(page, "Second caption")).toEqual({ description: "", isInvalid: false });
      expect(await page.getByRole("alert").textContent()).toContain(reason);
      expect(await page.locator("#caption-1-fault").isVisible()).toBe(true);
      await keepScreenshot(page, "make-faults");

      await tabTo(page, '.faults a[href="#caption-1"]'); // from where the page begins: its summary
      await page.keyboard.press("Enter");
      await page.keyboard.press("ControlOrMeta+A");
      await page.keyboard.type("Reading the manual");
      await tabTo(page, "button.primary");
      await enter(page);
      expect(pathOf(page)).toMatch(/^\/m\/on-the-reading-of-manuals-\w{6}$/);
      expect(await heading(page)).toBe("On the reading of manuals");
      expect(await page.locator("figcaption").textContent()).toContain("Reading the abstract <twice> & nodding");
      expect(await hasPicture(page, ".plate img")).toBe(true);
      const png = await page.request.get(`${page.url()}/picture.png`);
      expect([png.status(), png.headers()["content-type"]]).toEqual([200, "image/png"]);
      await keepScreenshot(page, "made", { isWhole: true });
    });

    it("one votes once, and takes it back", async () => {
      const verdict = () => page.locator(".verdict p").textContent();
      expect(await verdict()).toMatch(/^\s*0\s+Awaiting its first reviewer\.\s*$/);
      await tabTo(page, ".verdict button");
      await enter(page);
      expect(await verdict()).toMatch(/^\s*1\s+Accepted by 1 reviewer, you among them\.\s*$/);
      await follow(page, async () => void (await page.reload()));
      expect(await verdict()).toMatch(/^\s*1\s/);
      await tabTo(page, ".verdict button");
      await enter(page);
      expect(await verdict()).toMatch(/^\s*0\s/);
      await page.keyboard.press("Tab"); // it went on where it was
      expect(await page.locator(".verdict button").evaluate((each) => each.matches(":focus"))).toBe(true);
    });

    it("one gets home from a page that is none", async () => {
      expect(await visit.open("/no/such/reference")).toEqual({ status: 404 });
      expect(await heading(page)).toBe("Reference not found");
      await tabTo(page, "main a");
      await enter(page);
      expect(pathOf(page)).toBe("/");
    });
  });

  it("what a page should not do is noticed, and forbidden", async () => {
    await using visit = await openVisit(browser, node.url);
    await visit.open("/about");
    await visit.page.evaluate(
      "document.images.length || (document.body.append(new Image()), document.images[0].src = '/none.png')",
    );
    await expect.poll(() => visit.faults.join()).toContain("got 404 for");
    await visit.page.evaluate("document.images[0].src = 'http://elsewhere.test/pixel.png'");
    await expect.poll(() => visit.faults.join()).toContain("forbids img-src http://elsewhere.test");
    await visit.page.evaluate("document.body.setAttribute('onclick', 'alert()')");
    await expect.poll(() => visit.faults.join()).toContain("forbids script-src-attr inline");
    await visit.page.goto("http://localhost:1/").catch(() => {});
    expect(visit.faults).toContain("asks for http://localhost:1/");
  });

  it("on a phone everything is done with a thumb", async () => {
    const visit = await openVisit(browser, node.url, DEVICES.phone);
    await using _ = visit;
    const { page } = visit;
    const tap = (selector: string) => follow(page, () => page.locator(selector).first().tap());
    await visit.open("/");
    await tap("a[rel=next]");
    expect(pathOf(page)).toBe("/?page=2");
    await page.locator("#q").tap();
    await page.keyboard.type("review");
    await tap(".search button");
    expect(await heading(page)).toBe("Search: review");
    await tap(".gallery figure > a");
    await tap(".verdict button");
    expect(await page.locator(".verdict p").textContent()).toMatch(/^\s*1\s/);
    expect(await page.locator(".verdict").boundingBox()).toMatchObject({ y: expect.closeTo(400, -3) });
    await tap(".verdict button");
    expect(await page.locator(".verdict p").textContent()).toMatch(/^\s*0\s/);
    await tap('.masthead a[href="/make"]');
    await tap(".choices a");
    for (const [id, text] of [
      ["caption-1", "A thumb"],
      ["title", "By thumb"],
      ["tags", "thumbs"],
    ] as const) {
      await page.locator(`#${id}`).tap();
      await page.keyboard.type(text);
    }
    await tap("button.primary");
    expect(await heading(page)).toBe("By thumb");
    expect(visit.faults).toEqual([]);
  });

  it("without JavaScript nothing is missing", async () => {
    const visit = await openVisit(browser, node.url, { javaScriptEnabled: false });
    await using _ = visit;
    const { page } = visit;
    const click = (selector: string) => follow(page, () => page.locator(selector).first().click());
    await visit.open("/");
    await click("a[rel=next]");
    await page.locator("#q").fill("coff");
    await click(".search button");
    expect(await heading(page)).toBe("Search: coff");
    await click(".orders li:last-child a");
    await click(".gallery figure > a");
    await click("nav.pager a[rel=next], nav.pager a[rel=prev]");
    await click('.masthead a[href="/make"]');
    await click('.choices a[href="/make/two-doors"]');
    await page.locator("#caption-1").fill("No scripts");
    await click("button[name=preview]");
    expect(await page.locator(".fault").allTextContents()).toHaveLength(2); // title and keywords
    expect(await page.locator("[data-preview]").getAttribute("src")).toContain("caption=No+scripts");
    await page.locator("#title").fill("Without a script");
    await page.locator("#tags").fill("methods");
    await click("button.primary");
    expect(await heading(page)).toBe("Without a script");
    await click(".verdict button");
    expect(await page.locator(".verdict p").textContent()).toMatch(/^\s*1\s/);
    await click(".verdict button");
    expect(await page.locator(".verdict p").textContent()).toMatch(/^\s*0\s/);
    expect(visit.faults).toEqual([]);
  });
});
