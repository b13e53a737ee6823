/**
 * `nebula restore`: the state of a node from a backup. The node must not be running.
 */

import { resolve } from "node:path";
import { restoreBackup } from "../../backup/restore-backup.ts";
import { formatBytes } from "../../model/units.ts";
import { lockStateDir } from "../../registry/state-lock.ts";
import { defineCommand } from "../command.ts";
import { STATE_ARG, toStateDir } from "../common-args.ts";

export default defineCommand({
  meta: {
    name: "restore",
    about:
      "Makes the state directory of a node from a backup. Everything is unpacked beside and verified before any of it is put in " +
      "place; a backup that was cut off or altered changes nothing. The node must not be running, and the directory must have no " +
      "state, unless --replace gives that up. Afterwards the node serves what it served when the backup was made: nebula serve --no-deploy.",
    examples: [
      { line: "nebula restore monday.tar --state-dir /var/lib/nebula", summary: "onto another machine" },
      { line: "nebula restore monday.tar --replace", summary: "in place of what is in .nebula" },
    ],
  },
  args: {
    file: { type: "positional", summary: "The backup" },
    replace: { type: "flag", summary: "Give up the state that is there" },
    ...STATE_ARG,
  },
  async run({ args, io, print, signal }) {
    const { file, replace: isReplacing } = args;
    const stateDir = toStateDir({ stateDir: args.stateDir, cwd: io.cwd, projectDir: io.cwd });
    await using _lock = await lockStateDir(stateDir);
    const { files, hasKey, createdAtMs } = await restoreBackup(resolve(io.cwd, file), {
      stateDir,
      isReplacing,
      signal,
    });
    const bytes = files.reduce((sum, each) => sum + each.bytes, 0);
    const made = new Date(createdAtMs).toISOString();
    const what = `restored ${files.length} files, ${formatBytes(bytes)}, as they were at ${made}, to ${stateDir}`;
    print.result({ stateDir, files: files.length, bytes, hasKey, createdAtMs }, what);
    if (!hasKey) print.talk("it came without a key: secrets open only where secrets.key is there already");
    return 0;
  },
});
