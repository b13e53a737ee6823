/**
 * `nebula secret delete`: takes a secret from a function.
 */

import { defineCommand } from "../command.ts";
import { NODE_ENV } from "../common-args.ts";
import { FUNCTION_ARGS, findFunctionName, reachNode } from "../named-function.ts";

export default defineCommand({
  meta: {
    name: "secret delete",
    about:
      "Deletes a secret of a function, for good. The function goes on without it at once. One that its configuration " +
      "requires stays.",
    examples: [{ line: "nebula secret delete API_KEY --name shop", summary: "that of shop" }],
    env: NODE_ENV,
  },
  args: { key: { type: "positional", summary: "Its name" }, ...FUNCTION_ARGS },
  async run({ args, io, print, signal }) {
    const { key } = args;
    const name = await findFunctionName(args, io.cwd);
    await (await reachNode(args.stateDir, io)).removeSecret({ functionName: name, name: key }, { signal });
    print.result({ function: name, name: key }, `deleted secret ${key} of ${name}`);
    return 0;
  },
});
