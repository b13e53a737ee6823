/**
 * Process entry: argv in, exit code out. The only process.exit.
 */

import { runCli } from "./cli/cli.ts";

// because whoever read our output has left, and nobody is there to be told
const ignoreGone = (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
};
process.stdout.on("error", ignoreGone);
process.stderr.on("error", ignoreGone);

const { stdin, stdout, stderr, env } = process;
const io = { stdin, stdout, stderr, env, cwd: process.cwd(), signals: process, isTty: stderr.isTTY === true };
// A signal that comes when all is done ends what is left, and is not what it ended with.
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(name, () => {
    if (process.exitCode !== undefined) process.exit();
  });
}
process.exitCode = await runCli(process.argv.slice(2), io);
// Pipes are written behind our back: what was printed has to be out before the end.
await Promise.all([stdout, stderr].map((stream) => new Promise<void>((done) => stream.write("", () => done()))));
process.exit();
