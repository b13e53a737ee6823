/**
 * Chromium for tests: there, or loudly absent. Each visit notes whatever a page does that it should not.
 */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { describe, it } from "vitest";

/** Debian's; another one by its path. */
const PATH = process.env.NEBULA_TEST_CHROMIUM ?? "/usr/bin/chromium";
const SCREENSHOTS = join(import.meta.dirname, "../output/screenshots");

/** What people look at sites with. */
export const DEVICES = {
  desktop: { viewport: { width: 1_280, height: 800 } },
  phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
} as const satisfies Record<string, BrowserContextOptions>;

/** Registers tests that need Chromium. Without it they are skipped with one line about it, and in CI one of them fails. */
export async function withBrowser(title: string, register: () => void): Promise<void> {
  if (existsSync(PATH)) return register();
  const missing = `there is no Chromium at ${PATH}: apt-get install chromium`;
  console.warn(`skipped: ${title}: ${missing}`);
  describe(title, () => {
    it("needs Chromium", { skip: process.env.CI === undefined }, () => {
      throw new Error(`there has to be Chromium where CI runs: ${missing}`);
    });
  });
}

/** Starts it. It resolves no name, so that nothing leaves this machine even if a page asks for it. */
export function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: PATH,
    args: ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
    ignoreDefaultArgs: ["--hide-scrollbars"], // because people have them
    chromiumSandbox: process.getuid?.() !== 0, // because it does not start for root
  });
}

export interface Visit extends AsyncDisposable {
  readonly page: Page;
  /** What it did that it should not: requests to elsewhere, errors, parts that did not come. */
  readonly faults: readonly string[];
  /** Bytes over the wire of everything that came since it was last asked, by URL. */
  takeSizes(): Promise<ReadonlyMap<string, number>>;
  /** Opens a path of the site, until all that it loads has come. */
  open(path: string): Promise<{ readonly status: number }>;
}

/** Somebody who looks at a site, with nothing kept from before. */
export async function openVisit(browser: Browser, site: string, look: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext({ baseURL: site, ...DEVICES.desktop, ...look });
  context.setDefaultTimeout(20_000);
  await context.addInitScript({ path: join(import.meta.dirname, "in-page.js") });
  const page = await context.newPage();
  const faults: string[] = [];
  const sizes: Promise<[string, number]>[] = [];
  const { origin } = new URL(site);

  context.on("request", (request) => {
    if (new URL(request.url()).origin !== origin) faults.push(`asks for ${request.url()}`);
  });
  context.on("response", (response) => {
    const isPage = response.request().isNavigationRequest();
    if (response.status() >= 400 && !isPage) faults.push(`got ${response.status()} for ${response.url()}`);
  });
  context.on("requestfinished", (request) => {
    const size = request
      .sizes()
      .then(({ responseBodySize, responseHeadersSize }) => responseBodySize + responseHeadersSize);
    sizes.push(
      size.then(
        (bytes) => [request.url(), bytes],
        () => [request.url(), 0],
      ),
    ); // it has left the page
  });
  page.on("console", (message) => {
    // A page that says 404 is told as an error too; what of its parts does is noted above.
    const isStatus = message.text().startsWith("Failed to load resource: the server responded");
    if (!isStatus && ["error", "warning"].includes(message.type())) faults.push(message.text());
  });
  page.on("pageerror", (error) => faults.push(String(error)));

  return {
    page,
    faults,
    takeSizes: async () => new Map(await Promise.all(sizes.splice(0))),
    open: async (path) => ({ status: (await page.goto(path))?.status() ?? 0 }),
    [Symbol.asyncDispose]: () => context.close(),
  };
}

/** Keeps what is on the screen now, or all of the page, to be looked at. */
export async function keepScreenshot(page: Page, name: string, { isWhole = false } = {}): Promise<void> {
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: isWhole });
}
