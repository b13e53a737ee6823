/** What functions carry for their containers is made of what they share: `functions/_shared/bundle.sh` makes it again. */

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";

const run = promisify(execFile);
const FUNCTIONS = join(import.meta.dirname, "../../../functions");

test("server.js is what its sources make", async () => {
  const folder = await mkdtemp(join(tmpdir(), "nebula-servers-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const out = join(folder, "server.js");
  const PATH = `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ""}`;
  await run("sh", [join(FUNCTIONS, "_shared/bundle.sh"), out], { env: { PATH } });
  const made = await readFile(out, "utf8");
  for (const name of ["markdown", "caption"]) {
    expect(await readFile(join(FUNCTIONS, name, "server.js"), "utf8"), name).toBe(made);
  }
});
