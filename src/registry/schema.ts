/**
 * The registry's tables, as drizzle knows them. `migrations/registry/` is made from this file:
 * `npx drizzle-kit generate --dialect sqlite --schema src/registry/schema.ts --out migrations/registry`
 *
 * Which deployment is active is written once, in its state; a unique index allows one per function.
 */

import { blob, index, integer, primaryKey, sql, sqliteTable, text, uniqueIndex } from "./drizzle.ts";

/** A function exists from its first deployment until it is removed, active or not. */
export const functions = sqliteTable("functions", {
  name: text().primaryKey(),
  createdAtMs: integer("created_at_ms").notNull(),
});

/** `spec`, `forms`, `assets` and `migrations` are JSON; they never change once written. */
export const deployments = sqliteTable(
  "deployments",
  {
    /** The order of insertion: two deployments may share a millisecond. */
    seq: integer().primaryKey({ autoIncrement: true }),
    id: text().notNull().unique(),
    functionName: text("function_name")
      .notNull()
      .references(() => functions.name, { onDelete: "cascade" }),
    digest: text().notNull(),
    state: text({ enum: ["ready", "active", "retired", "failed"] }).notNull(),
    createdAtMs: integer("created_at_ms").notNull(),
    spec: text().notNull(),
    forms: text().notNull().default("[]"),
    assets: text(),
    migrations: text(),
    failureCode: text("failure_code"),
    failureMessage: text("failure_message"),
  },
  (table) => [
    uniqueIndex("deployments_one_active").on(table.functionName).where(sql`${table.state} = 'active'`),
    index("deployments_by_function").on(table.functionName, table.seq),
  ],
);

/** A secret may be there before its function: nothing refers from one to the other. `sealed` is of seal.ts. */
export const secrets = sqliteTable(
  "secrets",
  {
    functionName: text("function_name").notNull(),
    name: text().notNull(),
    keyId: text("key_id").notNull(),
    sealed: blob({ mode: "buffer" }).notNull(),
    changedAtMs: integer("changed_at_ms").notNull(),
  },
  (table) => [primaryKey({ columns: [table.functionName, table.name] })],
);
