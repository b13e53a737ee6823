/**
 * Finds what a function's top level has printed, in the component that was made of it.
 */

import { END, JOIN, MARK_WORDS } from "./prelude/printed.ts";

/** The lines, each with its end; nothing when there are none. */
export function findPrinted(component: Uint8Array): string {
  const bytes = Buffer.from(component.buffer, component.byteOffset, component.length);
  const mark = Buffer.from(MARK_WORDS.map((word) => word + String.fromCharCode(JOIN)).join(""));
  const at = bytes.indexOf(mark);
  const end = at < 0 ? -1 : bytes.indexOf(END, at);
  return end < 0 ? "" : bytes.toString("utf8", at + mark.length, end);
}
