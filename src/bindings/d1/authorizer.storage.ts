/**
 * What SQL of a function may do, asked by SQLite for each part of a statement while it is prepared. What is not named here is
 * denied: other files, other databases than `main`, transactions, most pragmas, functions that tell about the machine.
 *
 * @see https://developers.cloudflare.com/d1/sql-api/sql-statements/
 * @see https://sqlite.org/c3ref/c_alter_table.html
 */

import { constants } from "node:sqlite";

/** What a statement turned out to be while it was prepared. */
export interface StatementTraits {
  /** It changes nothing. */
  readonly isRead: boolean;
  /** It changes tables and not only rows, so that what is prepared may no longer be right. */
  readonly isSchema: boolean;
  /** It sets a pragma, which must not reach the next call. */
  readonly isSetting: boolean;
  /** What it was refused for, where there is more to say than SQLite does. */
  readonly refusal: string | undefined;
}

const { SQLITE_OK, SQLITE_DENY } = constants;

/** Pragmas that take a switch, and what it is set back to. */
export const SETTINGS: Readonly<Record<string, "on" | "off">> = {
  case_sensitive_like: "off",
  defer_foreign_keys: "off",
  foreign_keys: "on",
  ignore_check_constraints: "off",
  legacy_alter_table: "off",
  recursive_triggers: "off",
  reverse_unordered_selects: "off",
};
/** Pragmas that tell something; those of the second line, only without an argument. */
const TELLING = new Set(
  "table_list table_info table_xinfo index_list index_info index_xinfo foreign_key_list foreign_key_check quick_check"
    .split(" ")
    .concat("optimize"),
);
const TELLING_BARE = new Set(["data_version", "page_size"]);
const SWITCH = /^(['"]?)(?:true|false|yes|no|on|off|0|1)\1$/i;

const MODULES = new Set(["fts5", "fts5vocab"]);
/** Tables that SQLite has of itself. */
const HIDDEN_TABLES = /^(?:_cf_|dbstat$|sqlite_dbpage$|sqlite_stmt$)/i;

/** By page of SQLite's documentation: core, dates, aggregates, windows, mathematics, JSON, full-text search, ALTER TABLE. */
const FUNCTIONS = new Set(
  [
    "abs changes char coalesce concat concat_ws format glob hex if ifnull iif instr last_insert_rowid length like likelihood",
    "likely lower ltrim max min nullif octet_length printf quote random randomblob replace round rtrim sign soundex substr",
    "substring total_changes trim typeof unhex unicode unlikely upper zeroblob",
    "date time datetime julianday unixepoch strftime timediff current_date current_time current_timestamp",
    "avg count group_concat string_agg sum total",
    "row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value nth_value",
    "acos acosh asin asinh atan atan2 atanh ceil ceiling cos cosh degrees exp floor ln log log10 log2 mod pi pow power radians",
    "sin sinh sqrt tan tanh trunc",
    "json jsonb json_array jsonb_array json_array_length json_error_position json_extract jsonb_extract -> ->> json_insert",
    "jsonb_insert json_object jsonb_object json_patch jsonb_patch json_pretty json_remove jsonb_remove json_replace",
    "jsonb_replace json_set jsonb_set json_type json_valid json_quote json_group_array jsonb_group_array json_group_object",
    "jsonb_group_object json_each json_tree",
    "match highlight bm25 snippet",
    "sqlite_rename_column sqlite_rename_table sqlite_rename_test sqlite_drop_column sqlite_rename_quotefix",
  ].flatMap((line) => line.split(" ")),
);

const SCHEMA_ACTIONS = new Set<number>([
  constants.SQLITE_CREATE_INDEX,
  constants.SQLITE_CREATE_TABLE,
  constants.SQLITE_CREATE_TRIGGER,
  constants.SQLITE_CREATE_VIEW,
  constants.SQLITE_CREATE_VTABLE,
  constants.SQLITE_DROP_INDEX,
  constants.SQLITE_DROP_TABLE,
  constants.SQLITE_DROP_TRIGGER,
  constants.SQLITE_DROP_VIEW,
  constants.SQLITE_DROP_VTABLE,
  constants.SQLITE_ALTER_TABLE,
  constants.SQLITE_REINDEX,
]);
const ROW_ACTIONS = new Set<number>([constants.SQLITE_DELETE, constants.SQLITE_INSERT, constants.SQLITE_UPDATE]);

const NO_TRANSACTIONS =
  "Each call is a transaction already: to run several statements in one, use batch() in place of BEGIN and SAVEPOINT";

/** Watches over what is prepared. */
export class Authorizer {
  #isTrusted = false;
  #isWatching = false;
  #isSelect = false;
  #isWrite = false;
  #isSchema = false;
  #isSetting = false;
  #refusal: string | undefined;

  /** Runs our own SQL, which may do anything. */
  trust<T>(work: () => T): T {
    const before = this.#isTrusted;
    this.#isTrusted = true;
    try {
      return work();
    } finally {
      this.#isTrusted = before;
    }
  }

  /** Prepares a statement of a function. What it is can be told afterwards. */
  watch<T>(prepare: () => T): T {
    this.#isWatching = true;
    this.#isSelect = false;
    this.#isWrite = false;
    this.#isSchema = false;
    this.#isSetting = false;
    this.#refusal = undefined;
    try {
      return prepare();
    } finally {
      this.#isWatching = false;
    }
  }

  /** Of the statement that was prepared last. */
  get traits(): StatementTraits {
    return {
      // VACUUM, among others, is not asked about at all.
      isRead: this.#isSelect && !this.#isWrite,
      isSchema: this.#isSchema,
      isSetting: this.#isSetting,
      refusal: this.#refusal,
    };
  }

  /** For SQLite. Which argument is what depends on the action. */
  readonly callback = (action: number, one: string | null, two: string | null, database: string | null): number =>
    this.#isTrusted || this.#isAllowed(action, { one: one ?? "", two, database }) ? SQLITE_OK : SQLITE_DENY;

  #isAllowed(
    action: number,
    { one, two, database }: { one: string; two: string | null; database: string | null },
  ): boolean {
    // Here alone the database comes first, and the table after it.
    const isAlter = action === constants.SQLITE_ALTER_TABLE;
    const schema = isAlter ? one : database;
    const name = isAlter ? (two ?? "") : one;
    if (schema === "temp") return isTempAllowed(action) && isOpen(name);
    if (schema !== null && schema !== "main") return false;
    if (SCHEMA_ACTIONS.has(action)) {
      this.#isSchema = true;
      this.#isWrite = true;
      const isVirtual = action === constants.SQLITE_CREATE_VTABLE || action === constants.SQLITE_DROP_VTABLE;
      if (isVirtual) return isOpen(name) && MODULES.has((two ?? "").toLowerCase());
      return isOpen(name) && (isAlter || isOpen(two ?? ""));
    }
    if (ROW_ACTIONS.has(action)) {
      this.#isWrite = true;
      return isOpen(name);
    }
    switch (action) {
      case constants.SQLITE_SELECT:
      case constants.SQLITE_RECURSIVE:
        this.#isSelect = true;
        return true;
      case constants.SQLITE_READ:
        return isOpen(name);
      case constants.SQLITE_FUNCTION:
        return FUNCTIONS.has((two ?? "").toLowerCase());
      case constants.SQLITE_ANALYZE:
        this.#isWrite = true;
        return true;
      case constants.SQLITE_PRAGMA:
        return this.#isPragmaAllowed(name.toLowerCase(), two);
      case constants.SQLITE_TRANSACTION:
      case constants.SQLITE_SAVEPOINT:
        // Our own are asked about again when they run, since tables may have changed; a function's is never prepared.
        this.#refusal = NO_TRANSACTIONS;
        return !this.#isWatching;
      default:
        return false;
    }
  }

  #isPragmaAllowed(name: string, argument: string | null): boolean {
    if (TELLING_BARE.has(name)) return argument === null;
    this.#isWrite = true;
    if (TELLING.has(name)) return isOpen(argument ?? "");
    if (SETTINGS[name] === undefined) return false;
    this.#isSetting = true;
    return argument === null || SWITCH.test(argument);
  }
}

function isTempAllowed(action: number): boolean {
  return action === constants.SQLITE_READ || action === constants.SQLITE_UPDATE;
}

function isOpen(name: string): boolean {
  return !HIDDEN_TABLES.test(name);
}
