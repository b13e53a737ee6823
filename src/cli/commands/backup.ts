/**
 * `nebula backup`: everything that a running node keeps, in one file that was read back.
 */

import { resolve } from "node:path";
import type { Manifest } from "../../backup/format.ts";
import { readBackup } from "../../backup/read-backup.ts";
import { openBackup } from "../../client/storage.ts";
import { formatBytes } from "../../model/units.ts";
import { defineCommand } from "../command.ts";
import { NODE_ENV, STATE_ARG } from "../common-args.ts";
import { writeWhole } from "../files.ts";
import { reachNode } from "../named-function.ts";

export default defineCommand({
  meta: {
    name: "backup",
    about:
      "Writes everything that the running node keeps into one file: functions and their code, secrets, databases, namespaces and the " +
      "directories of Wasm programs. The node serves on; every write that was answered before is in it. The file is read back and " +
      "verified before it takes its name. It holds the key of the secrets and the token of the control API, so only its owner may " +
      "read it (0600); without them (--without-key) the secrets in it stay sealed.",
    examples: [
      { line: "nebula backup monday.tar", summary: "all of it" },
      { line: "nebula backup monday.tar --without-key", summary: "to be kept where others may read it" },
    ],
    env: NODE_ENV,
  },
  args: {
    file: { type: "positional", summary: "Where to; what is there is replaced when the new one is whole" },
    withoutKey: { type: "flag", summary: "Leave out what opens the secrets and the control API" },
    ...STATE_ARG,
  },
  async run({ args, io, print, signal }) {
    const { file, withoutKey } = args;
    const client = await reachNode(args.stateDir, io);
    const tar = await openBackup(client, { withKey: !withoutKey, signal });
    const verified: { manifest?: Manifest } = {};
    await writeWhole({ path: resolve(io.cwd, file), shown: file }, tar, {
      mode: 0o600,
      check: async (path) => {
        verified.manifest = await readBackup(path, { signal });
      },
    });
    const { files = [], hasKey = false } = verified.manifest ?? {};
    const bytes = files.reduce((sum, each) => sum + each.bytes, 0);
    const what = `backed up ${files.length} files, ${formatBytes(bytes)}, to ${file}, and verified them`;
    print.result({ file, files: files.length, bytes, hasKey }, what);
    if (!withoutKey) print.talk(`${file} opens what it holds: keep it where nobody else reads it`);
    return 0;
  },
});
