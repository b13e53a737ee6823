/**
 * Sets a caption into its zone: breaks lines and finds the largest size at which they fit.
 *
 * An edge function has no fonts to measure with, so widths are estimated from those of a wide serif face, bold. A visitor
 * whose system has a narrower one sees a little more air.
 */

import type { Zone } from "./model.ts";

const LINE_HEIGHT = 1.2;
const SMALLEST_SIZE = 16;

/** Lines that fit their zone at this size. Sizes are in units of the viewBox. */
export interface Lettering {
  readonly lines: readonly string[];
  readonly size: number;
  readonly lineHeight: number;
}

/** Fits the caption, or returns `undefined` where even the smallest size is too large. */
export function findLettering(caption: string, zone: Zone): Lettering | undefined {
  const words = caption.split(/\s+/).filter(Boolean);
  for (let size = zone.size; size >= SMALLEST_SIZE; size -= 2) {
    const lines = breakLines(words, zone.width / size);
    const lineHeight = size * LINE_HEIGHT;
    if (lines && lines.length * lineHeight <= zone.height) return { lines, size, lineHeight };
  }
  return undefined;
}

/** Fills lines greedily, then evens them out: the narrowest measure that needs no more lines looks best. */
function breakLines(words: readonly string[], measureEm: number): string[] | undefined {
  const greedy = fillLines(words, measureEm);
  if (!greedy) return undefined;
  let best = greedy;
  for (let narrowerEm = measureEm * 0.95; narrowerEm > measureEm * 0.5; narrowerEm *= 0.95) {
    const lines = fillLines(words, narrowerEm);
    if (!lines || lines.length > greedy.length) break;
    best = lines;
  }
  return best;
}

function fillLines(words: readonly string[], measureEm: number): string[] | undefined {
  const lines: string[] = [];
  let line = "";
  for (const word of words) {
    if (toWidthEm(word) > measureEm) return undefined;
    const longer = line ? `${line} ${word}` : word;
    if (toWidthEm(longer) <= measureEm) {
      line = longer;
    } else {
      lines.push(line);
      line = word;
    }
  }
  return line ? [...lines, line] : lines;
}

/** Rounded up from Georgia Bold, by classes of letters. */
const WIDTHS_EM = new Map(
  [
    [" ,.;:'’‘!|ijl()", 0.4],
    ['-frstI“”"/?1', 0.53],
    ["acegnoxyzbdhkpquvJ023456789_", 0.66],
    ["BCEFLPSTZεσμ=+<>–&∎", 0.77],
    ["ADGHKNOQRUVXYw…", 0.9],
  ].flatMap(([letters, widthEm]) => [...String(letters)].map((letter) => [letter, Number(widthEm)] as const)),
);
/** What is unknown may be as wide as this. */
const WIDEST_EM = 1.1;

function toWidthEm(text: string): number {
  let widthEm = 0;
  for (const character of text) widthEm += WIDTHS_EM.get(character) ?? WIDEST_EM;
  return widthEm;
}
