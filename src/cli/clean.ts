/**
 * Texts of functions, of their sources and of what they print, on their way to a terminal.
 */

import { stripVTControlCharacters } from "node:util";

/** What a terminal may obey even when no sequence is left, and what turns the direction of text. */
const OBEYED = /(?![\n\t])[\p{Cc}\p{Bidi_Control}]/gu;

/** The text without what steers a terminal. What was put together by taking a sequence out of its middle is shown. */
export function clean(text: string): string {
  return stripVTControlCharacters(text).replaceAll("\r\n", "\n").replace(OBEYED, "\ufffd");
}
