/**
 * A backup on the control port: everything that the node keeps, as it comes.
 */

import { Hono } from "hono";
import type { Backups } from "../backup-state.ts";
import type { Log } from "../model/ports.ts";

/** What makes backups. */
export interface BackupApiParts {
  readonly backups: Backups;
  readonly log: Log;
}

/** Makes the routes, to be mounted below the version of the API. */
export function createBackupApi({ backups, log }: BackupApiParts): Hono {
  const app = new Hono();

  app.post("/backup", async (c) => {
    const withKey = c.req.query("key") !== "no";
    const tar = await backups.create({ withKey });
    log.write("info", "backup begun", { withKey });
    return c.body(tar, 200, { "content-type": "application/x-tar" });
  });

  return app;
}
