/**
 * Runs in the browser, in every page before its own scripts: what tests ask a page about itself.
 */

const INTERACTIVE = "a[href], button, input:not([type=hidden]), summary, select, textarea";
/** Text around a control: there its height is that of the line. */
const PROSE = "p, figcaption, dd, li, pre";

const vitals = { shift: 0, largestPaintMs: 0 };
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) vitals.shift += entry.value;
}).observe({ type: "layout-shift", buffered: true });
new PerformanceObserver((list) => {
  vitals.largestPaintMs = list.getEntries().at(-1).startTime;
}).observe({ type: "largest-contentful-paint", buffered: true });

addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => {
  console.error(`The content security policy forbids ${violatedDirective} ${blockedURI}`);
});

globalThis.inPage = {
  /** How much the page has moved under its reader, and when its largest part was painted. */
  vitals: () => vitals,

  /** What stands out of the screen to its right. */
  overflow() {
    const { clientWidth, scrollWidth } = document.documentElement;
    const wide = [...document.body.querySelectorAll("*")].filter(
      (each) => each.getBoundingClientRect().right > clientWidth + 0.5 && !each.closest("pre"),
    );
    return scrollWidth > clientWidth ? [`the page is ${scrollWidth} px wide`, ...wide.map(describe)] : [];
  },

  /** What is hard to hit with a finger: smaller than so many pixels, and no word within a text. */
  smallTargets(leastPixels) {
    return [...document.querySelectorAll(INTERACTIVE)].filter(isSeen).flatMap((each) => {
      const { width, height } = each.getBoundingClientRect();
      const isSmall = width < leastPixels || height < leastPixels;
      return isSmall && !isWithinText(each) ? [`${describe(each)}: ${width} × ${height}`] : [];
    });
  },

  /** What has the keyboard, why that cannot be seen (an empty text when it can), and whether it is the first of a selector. */
  focus(selector) {
    const each = document.activeElement;
    const { outlineStyle, outlineWidth } = getComputedStyle(each);
    const { left, top, right, bottom } = each.getBoundingClientRect();
    const hasOutline = outlineStyle !== "none" && Number.parseFloat(outlineWidth) >= 2;
    const isOnScreen = right > 0 && bottom > 0 && left < innerWidth && top < innerHeight;
    const fault = hasOutline ? (isOnScreen ? "" : "is not on the screen") : "has no outline";
    return {
      what: describe(each),
      fault: fault && `${describe(each)} ${fault}`,
      isFirst: each === document.querySelector(selector),
    };
  },

  /** Each picture: what a browser needs to know before it is there, and what of it came. */
  pictures: () =>
    [...document.images].map((image) => ({
      src: image.currentSrc || image.src,
      alt: image.getAttribute("alt"),
      width: image.getAttribute("width"),
      height: image.getAttribute("height"),
      isBroken: image.complete && image.naturalWidth === 0,
    })),

  /** Has come what otherwise comes when it is looked at, and waits for it. */
  async loadAll() {
    const images = [...document.images];
    for (const image of images) image.loading = "eager";
    await Promise.all(images.map((image) => image.decode()));
  },

  /** Attribute → value of what the head says. */
  head: () => ({
    lang: document.documentElement.lang,
    title: document.title,
    ...Object.fromEntries(
      [...document.querySelectorAll("meta[name], meta[property]")].map((each) => [
        each.getAttribute("name") ?? each.getAttribute("property"),
        each.content,
      ]),
    ),
    canonical: document.querySelector("link[rel=canonical]")?.getAttribute("href") ?? "",
  }),
};

function describe(each) {
  const text = (each.getAttribute("aria-label") ?? each.textContent).trim().replace(/\s+/g, " ").slice(0, 40);
  return `${each.localName}${each.id && `#${each.id}`} "${text}"`;
}

function isSeen(each) {
  const { width, height, bottom } = each.getBoundingClientRect();
  return width > 0 && height > 0 && bottom > 0 && each.checkVisibility();
}

/** A link in a line of text that goes on beside it. */
function isWithinText(each) {
  const around = each.closest(PROSE);
  return (
    getComputedStyle(each).display === "inline" &&
    around !== null &&
    around.textContent.trim() !== each.textContent.trim()
  );
}
