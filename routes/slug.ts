/**
 * The id of a new meme: its title in lower-case letters, digits and hyphens, and a few letters of chance.
 *
 * Those few keep two memes of one title apart and make no id guessable from a title alone.
 */

const MAX_TITLE_CHARACTERS = 48;
const CHANCE_CHARACTERS = 6;
/** Without vowels no word comes out that nobody wanted; without l and 1 nobody mistypes it. */
const LETTERS = "bcdfghjkmnpqrstvwxz23456789";

/** `À propos: Reviewer 2!` → `a-propos-reviewer-2-k3fq8z`. */
export function toSlug(title: string): string {
  const words = title
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .match(/[a-z0-9]+/g);
  const slug = (words ?? ["figure"]).join("-").slice(0, MAX_TITLE_CHARACTERS).replace(/-$/, "");
  const chance = crypto.getRandomValues(new Uint8Array(CHANCE_CHARACTERS));
  return `${slug}-${Array.from(chance, (byte) => LETTERS[byte % LETTERS.length]).join("")}`;
}
