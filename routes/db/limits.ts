/**
 * How often a client may write: so many times an hour, counted in the database, so that all instances count together.
 *
 * An address is kept only as a hash with the day's salt. Salts are random and thrown away after their day: then nobody, we
 * included, can say whose hash it was.
 */

import { eq, lt, sql } from "drizzle-orm";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { Action, Memes } from "../model.ts";
import { salts, takings } from "./schema.ts";

const WINDOW_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** How many times an hour. A whole institute may vote from one address. */
export const HOURLY: Readonly<Record<Action, number>> = { publish: 12, vote: 300 };

/** Counts for the database. `now` is in milliseconds. */
export function createLimits(db: DrizzleD1Database, now: () => number): Pick<Memes, "take"> {
  let kept: { day: number; salt: string } | undefined;

  const findSalt = async (nowMs: number): Promise<string> => {
    const day = Math.floor(nowMs / DAY_MS);
    if (kept?.day === day) return kept.salt;
    // Whoever comes first makes it; the others find it there.
    const [, , , found] = await db.batch([
      db
        .insert(salts)
        .values({ day, salt: toHex(crypto.getRandomValues(new Uint8Array(16))) })
        .onConflictDoNothing(),
      db.delete(salts).where(lt(salts.day, day)),
      db.delete(takings).where(lt(takings.window, Math.floor(nowMs / WINDOW_MS))),
      db.select({ salt: salts.salt }).from(salts).where(eq(salts.day, day)),
    ]);
    const salt = found[0]?.salt;
    if (salt === undefined) throw new Error("Cannot count: the day's salt is missing");
    kept = { day, salt };
    return salt;
  };

  return {
    take: async (action, address) => {
      const nowMs = now();
      const window = Math.floor(nowMs / WINDOW_MS);
      const client = await hash(`${await findSalt(nowMs)} ${toNetwork(address)}`);
      const taken = await db
        .insert(takings)
        .values({ client, action, window, count: 1 })
        .onConflictDoUpdate({
          target: [takings.client, takings.action],
          set: {
            count: sql`case when ${takings.window} = excluded.window then ${takings.count} + 1 else 1 end`,
            window: sql`excluded.window`,
          },
          // Over the limit nothing is written: a flood costs a question each and no disk.
          setWhere: sql`${takings.window} <> excluded.window or ${takings.count} < ${HOURLY[action]}`,
        })
        .returning({ count: takings.count });
      return taken.length > 0 ? undefined : Math.ceil(((window + 1) * WINDOW_MS - nowMs) / 1_000);
    },
  };
}

/** An IPv6 address counts by its first 64 bits, because every household has that many addresses. */
function toNetwork(address: string): string {
  if (!address.includes(":") || address.includes(".")) return address;
  const [head = [], tail = []] = address
    .toLowerCase()
    .split("::")
    .map((part) => part.split(":").filter(Boolean));
  const zeros = Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => "0");
  return [...head, ...zeros, ...tail].slice(0, 4).join(":");
}

async function hash(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return toHex(new Uint8Array(digest, 0, 16));
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
