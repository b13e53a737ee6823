/**
 * `nebula secret list`: the names of a function's secrets.
 */

import { defineCommand } from "../command.ts";
import { NODE_ENV } from "../common-args.ts";
import { FUNCTION_ARGS, findFunctionName, reachNode } from "../named-function.ts";
import { formatTable } from "../style.ts";

export default defineCommand({
  meta: {
    name: "secret list",
    about: "Lists the secrets of a function: names and the time of the last change. Nobody gets values back.",
    examples: [{ line: "nebula secret list --name shop", summary: "those of shop" }],
    env: NODE_ENV,
  },
  args: FUNCTION_ARGS,
  async run({ args, io, print, signal }) {
    const name = await findFunctionName(args, io.cwd);
    const secrets = await (await reachNode(args.stateDir, io)).listSecrets(name, { signal });
    const rows = secrets.map((secret) => [secret.name, new Date(secret.changedAtMs).toISOString()]);
    const table = rows.length === 0 ? `${name} has no secrets` : formatTable([["secret", "changed"], ...rows]);
    print.result({ function: name, secrets }, table);
    return 0;
  },
});
