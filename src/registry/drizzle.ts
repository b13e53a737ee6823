/**
 * drizzle-orm, as far as the registry uses it, loaded as CommonJS.
 *
 * Its ES modules re-export one another in circles, and linking those costs V8 (14.6) 265 ms and 120 MB that the process
 * never gives back; the same code as CommonJS takes 50 ms and 19 MB. So nothing imports drizzle-orm but this file,
 * except types.
 */

import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

const core: typeof import("drizzle-orm") = require("drizzle-orm");
const d1: typeof import("drizzle-orm/d1") = require("drizzle-orm/d1");
const migrator: typeof import("drizzle-orm/d1/migrator") = require("drizzle-orm/d1/migrator");
const sqlite: typeof import("drizzle-orm/sqlite-core") = require("drizzle-orm/sqlite-core");

/** Conditions, orders and raw SQL. */
export const { and, desc, eq, ne, sql } = core;
/** A database over anything of D1's shape. */
export const { drizzle } = d1;
/** Applies a folder of migrations. */
export const { migrate } = migrator;
/** Parts of a schema. */
export const { blob, index, integer, primaryKey, sqliteTable, text, uniqueIndex } = sqlite;
