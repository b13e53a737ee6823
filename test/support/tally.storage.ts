/**
 * A small storage service for tests: one table, and every way to misbehave.
 */

import { setImmediate } from "node:timers";
import { Commits } from "../../src/bindings/storage/commits.storage.ts";
import { closeDatabase, openDatabase } from "../../src/bindings/storage/database.storage.ts";
import { serveStorage } from "../../src/bindings/storage/serve.storage.ts";

serveStorage((settings) => {
  const { file } = Object(settings);
  const db = openDatabase(file, { maxBytes: 2 ** 30 });
  db.exec("CREATE TABLE IF NOT EXISTS parent (id INTEGER PRIMARY KEY)");
  db.exec("CREATE TABLE IF NOT EXISTS child (id INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED)");
  db.exec("CREATE TABLE IF NOT EXISTS tally (word TEXT UNIQUE, bytes BLOB)");
  const commits = new Commits(db);
  const insert = db.prepare("INSERT INTO tally VALUES (?, ?)");
  const orphan = db.prepare("INSERT INTO child VALUES (7)");
  const count = db.prepare("SELECT count(*) AS count FROM tally");
  const answer = (value: unknown) => ({ head: value ?? {}, body: null });
  return {
    answer: async (head, body) => {
      const { op, word } = Object(head);
      if (op === "insert") return answer(await commits.run("write", () => insert.run(word, body).changes));
      if (op === "orphan") return answer(await commits.run("write", () => orphan.run().changes));
      if (op === "count") return answer(await commits.run("read", () => count.get()?.count));
      if (op === "reach") return answer([process.env, tryTo(() => process.getBuiltinModule("fs").readdirSync("/"))]);
      if (op === "spin") for (;;);
      if (op === "work") return answer(await commits.run("write", () => work(Number(word))));
      if (op === "look") return answer(await commits.run("read", () => work(Number(word))));
      if (op === "crash") setImmediate(() => process.getBuiltinModule("process").abort());
      if (op === "eat") for (const held: unknown[] = []; ; ) held.push(new Array(100_000).fill(held.length));
      if (op === "exec") return answer(tryTo(() => db.exec(word)));
      return new Promise(() => {});
    },
    close: () => closeDatabase(db),
  };
});

function work(ms: number): number {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
  return ms;
}

function tryTo(work: () => unknown): string {
  try {
    work();
    return "done";
  } catch (thrown) {
    return String(thrown);
  }
}
