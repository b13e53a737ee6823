/**
 * What `node:sqlite` has and its types lack.
 */

declare module "node:sqlite" {
  interface StatementSync {
    /** One of SQLite's counters of the statement. @see https://sqlite.org/c3ref/c_stmtstatus_counter.html */
    stat(counter: "fullscanStep"): number;
    resetStats(): void;
  }
}

export {};
