/**
 * `nebula secret put`: gives a function a secret.
 */

import { isSecretName } from "../../model/secrets.ts";
import { usageError } from "../args.ts";
import { defineCommand } from "../command.ts";
import { NODE_ENV } from "../common-args.ts";
import { FUNCTION_ARGS, findFunctionName, reachNode } from "../named-function.ts";
import { readSecret } from "../read-secret.ts";

const EXIT_GIVEN_UP = 130;

export default defineCommand({
  meta: {
    name: "secret put",
    about:
      "Creates or changes a secret of a function. The value is typed and not shown, or read from standard input; white " +
      "space at its end is dropped. The function has it at once; one that is not deployed yet will find it. The node " +
      "keeps it encrypted, and nobody can read it back.",
    examples: [
      { line: "nebula secret put API_KEY", summary: "of the project in this folder; asks for the value" },
      { line: "nebula secret put API_KEY --name shop < key.txt", summary: "of another function, from a file" },
    ],
    env: NODE_ENV,
  },
  args: { key: { type: "positional", summary: "The name that the function finds it by in env" }, ...FUNCTION_ARGS },
  async run({ args, io, print, signal }) {
    const { key } = args;
    // It may be the value by mistake, and is not repeated.
    if (!isSecretName(key)) throw usageError("Cannot put a secret: <key> is no identifier of letters, digits, _ and $");
    const functionName = await findFunctionName(args, io.cwd);
    const client = await reachNode(args.stateDir, io);
    const value = await readSecret(io, { prompt: `Value of ${key} for ${functionName}: `, signal });
    if (value === undefined) return EXIT_GIVEN_UP;
    const { isServed } = await client.putSecret({ functionName, name: key }, value, { signal });
    const then = isServed ? "which has it now" : "which has it when it is deployed";
    print.result({ function: functionName, name: key, isServed }, `put secret ${key} of ${functionName}, ${then}`);
    return 0;
  },
});
