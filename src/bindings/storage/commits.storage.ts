/**
 * Group commit: what is asked at the same time is committed, and brought to the disk, at once.
 *
 *     BEGIN   SAVEPOINT work RELEASE   SAVEPOINT work RELEASE  …   COMMIT      then all are answered
 *
 * A work that throws is taken back alone. When the group as a whole fails (a deferred constraint, no memory, a full
 * disk), each work runs again in a transaction of its own, so that only what is at fault fails: therefore a work may
 * change nothing but the database. A commit costs one write to the disk however many works are in it.
 */

import type { DatabaseSync, StatementSync } from "node:sqlite";
import { setImmediate } from "node:timers";

/** `read`: changes nothing. `write`: shares a commit. `alone`: has a transaction of its own, for what others must not share. */
export type WorkKind = "read" | "write" | "alone";

interface Job {
  readonly kind: WorkKind;
  run(): void;
  /** Tells what `run` did. */
  settle(): void;
  fail(error: unknown): void;
}

/** Works of one group. */
const MAX_GROUP = 512;
/** What has run for so long lets others have their answers before anything else begins. */
const TURN_MS = 10;

/** The works of one database, in the order they came. */
export class Commits {
  readonly #db: DatabaseSync;
  readonly #texts: Readonly<Record<"begin" | "save" | "release" | "undo" | "commit" | "rollback", StatementSync>>;
  #queue: Job[] = [];
  #isScheduled = false;
  /** A read that took long has run in this turn of the event loop. */
  #isTurnOver = false;

  constructor(db: DatabaseSync) {
    this.#db = db;
    const prepare = (sql: string) => {
      const statement = db.prepare(sql);
      // What any statement gives tells the last row's id, which may be beyond 2^53: as a number it would throw.
      statement.setReadBigInts(true);
      return statement;
    };
    this.#texts = {
      begin: prepare("BEGIN IMMEDIATE"),
      save: prepare("SAVEPOINT work"),
      release: prepare("RELEASE work"),
      undo: prepare("ROLLBACK TO work"),
      commit: prepare("COMMIT"),
      rollback: prepare("ROLLBACK"),
    };
  }

  /** Runs the work when it is its turn, and fulfils when what it did is on the disk. Rejects with what it threw. */
  async run<T>(kind: WorkKind, work: () => T): Promise<T> {
    // Nothing is before it that it must wait for.
    if (kind === "read" && this.#queue.length === 0 && !this.#isTurnOver) return this.#runAtOnce(work);
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    let outcome: { readonly value: T } | { readonly error: unknown } | undefined;
    this.#queue.push({
      kind,
      run: () => {
        try {
          outcome = { value: work() };
        } catch (error) {
          outcome = { error };
          throw error;
        }
      },
      settle: () => {
        if (outcome !== undefined && "value" in outcome) resolve(outcome.value);
        else reject(outcome?.error);
      },
      fail: reject,
    });
    this.#schedule();
    return await promise;
  }

  #runAtOnce<T>(read: () => T): T {
    const endMs = performance.now() + TURN_MS;
    try {
      return read();
    } finally {
      if (performance.now() > endMs) {
        this.#isTurnOver = true;
        setImmediate(() => {
          this.#isTurnOver = false;
        });
      }
    }
  }

  #schedule(): void {
    if (this.#isScheduled || this.#queue.length === 0) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#runGroup(this.#takeGroup());
      this.#schedule();
    });
  }

  #takeGroup(): Job[] {
    const next = this.#queue.findIndex(({ kind }, i) => i >= MAX_GROUP || kind === "alone");
    const count = next < 0 ? this.#queue.length : Math.max(1, next);
    return this.#queue.splice(0, count);
  }

  #runGroup(group: readonly Job[]): void {
    const [first] = group;
    if (group.length === 1 && first !== undefined) {
      this.#runAlone(first);
      return;
    }
    let done: readonly Job[] = group;
    try {
      done = group.some(({ kind }) => kind !== "read") ? this.#runTogether(group) : runInTime(group, attempt);
    } catch {
      // because each of them now finds out for itself what is wrong
      this.#takeBack();
      for (const job of group) this.#runAlone(job);
      return;
    }
    this.#queue.unshift(...group.slice(done.length));
    for (const job of done) job.settle();
  }

  /** Gives back those that were run in time. */
  #runTogether(group: readonly Job[]): readonly Job[] {
    const { begin, save, release, undo, commit } = this.#texts;
    begin.run();
    const done = runInTime(group, (job) => {
      if (job.kind === "read") {
        attempt(job);
        return;
      }
      save.run();
      // A failure that has ended the transaction makes the next line throw.
      if (!attempt(job)) undo.run();
      release.run();
    });
    commit.run();
    return done;
  }

  #runAlone(job: Job): void {
    if (job.kind === "read") {
      attempt(job);
      job.settle();
      return;
    }
    try {
      this.#texts.begin.run();
      job.run();
      this.#texts.commit.run();
    } catch (error) {
      this.#takeBack();
      job.fail(error);
      return;
    }
    job.settle();
  }

  /** Some failures have ended the transaction already. */
  #takeBack(): void {
    if (this.#db.isTransaction) this.#texts.rollback.run();
  }
}

/** Runs one after the other until it is time for answers; gives back those that were run. */
function runInTime(group: readonly Job[], run: (job: Job) => void): readonly Job[] {
  const endMs = performance.now() + TURN_MS;
  let count = 0;
  for (const job of group) {
    if (count > 0 && performance.now() > endMs) break;
    count += 1;
    run(job);
  }
  return group.slice(0, count);
}

/** Whether it went well; how it went is told when the group is over. */
function attempt(job: Job): boolean {
  try {
    job.run();
    return true;
  } catch {
    // because the job has kept it
    return false;
  }
}
