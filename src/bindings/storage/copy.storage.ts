/**
 * The process that copies databases of one folder, while others write to them.
 *
 * A copy is what one reader sees at one moment: whole transactions, none of them in part. It is checked before it is
 * handed on, so that damage is found while there is still something to go back to.
 */

import { mkdirSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";
import { serveStorage } from "./serve.storage.ts";
import { findTrouble, StorageError } from "./storage-error.storage.ts";

/** How long to wait for a process that opens or closes the file. */
const BUSY_MS = 10_000;
/** All in one step, so that nobody's write makes it begin again. */
const ALL_PAGES = 2 ** 31 - 1;

serveStorage((settings) => {
  const dir = toText(settings, "dir");
  return {
    answer: async (head) => {
      const from = join(dir, toText(head, "from"));
      const to = join(dir, toText(head, "to"));
      try {
        mkdirSync(dirname(to), { recursive: true, mode: 0o700 });
        await copy(from, to);
        return { head: { bytes: statSync(to).size }, body: null };
      } catch (thrown) {
        rmSync(to, { force: true });
        if (thrown instanceof StorageError) throw thrown;
        const message = thrown instanceof Error ? thrown.message : String(thrown);
        throw new StorageError(findTrouble(thrown) ?? "io", message, { cause: thrown });
      }
    },
    close: () => {},
  };
});

async function copy(from: string, to: string): Promise<void> {
  const source = new DatabaseSync(from, { timeout: BUSY_MS });
  try {
    await backup(source, to, { rate: ALL_PAGES });
  } finally {
    source.close();
  }
  const made = new DatabaseSync(to, { timeout: BUSY_MS });
  try {
    // One file, without a log beside it.
    made.exec("PRAGMA journal_mode = DELETE");
    const found = made.prepare("PRAGMA quick_check(1)").get()?.quick_check;
    if (found !== "ok") throw new StorageError("damaged", String(found));
  } finally {
    made.close();
  }
}

/** The host's words are trusted to be there. */
function toText(value: unknown, key: string): string {
  return String(Object(value)[key]);
}
