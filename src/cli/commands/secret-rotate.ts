/**
 * `nebula secret rotate`: a new key for everything that a node keeps secret.
 */

import { defineCommand } from "../command.ts";
import { NODE_ENV, STATE_ARG } from "../common-args.ts";
import { reachNode } from "../named-function.ts";

export default defineCommand({
  meta: {
    name: "secret rotate",
    about:
      "Encrypts all secrets of the node with a new key and forgets the old one, while functions serve. Values do not " +
      "change: where the key was stolen together with the registry, put new ones. Interrupted at any moment nothing is " +
      "lost; run it again.",
    examples: [{ line: "nebula secret rotate", summary: "of the node that runs here" }],
    env: NODE_ENV,
  },
  args: STATE_ARG,
  async run({ args, io, print, signal }) {
    const answer = await (await reachNode(args.stateDir, io)).rotateSecrets({ signal });
    const { secrets } = answer;
    print.result(answer, `encrypted ${secrets} ${secrets === 1 ? "secret" : "secrets"} with a new key`);
    return 0;
  },
});
