/**
 * A database as a function sees it, without the function.
 */

import type { D1Databases } from "../../src/bindings/d1/databases.ts";
import { D1Database } from "../../src/env/d1.ts";

export function createD1(databases: D1Databases, id: string): D1Database {
  const resource = databases.find({ type: "d1", name: "DB", id }, { name: "test" });
  return new D1Database(async ({ method, url, headers, body, signal = new AbortController().signal }) => {
    const answer = await resource.fetch(
      { head: { method, url, headers }, body, signal },
      { requestId: "test", callers: [] },
    );
    return { ...answer.head, body: answer.body };
  });
}
