/**
 * What people type, made fit to be kept: one line, one way of writing each letter, nothing invisible.
 */

/**
 * Turns line breaks and control characters (NUL among them) into spaces, composes letters (NFC), and takes out halves
 * of characters, characters that do not exist, and those that reverse the direction of writing. Joiners stay: emoji and
 * some scripts need them. Of a tower of accents the lowest three stay.
 */
export function clean(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, " ")
    .replace(/(?![\u200c\u200d])\p{C}/gu, "")
    .normalize("NFC")
    .replace(/(\p{M}{3})\p{M}+/gu, "$1")
    .replace(/\s+/gu, " ")
    .trim();
}

/** How many characters a reader would count, near enough: code points. */
export function countCharacters(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

/** Whether there is anything to read in it. */
export function isReadable(text: string): boolean {
  return /[\p{L}\p{N}\p{P}\p{S}]/u.test(text);
}
