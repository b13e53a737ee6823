/**
 * Compares a function's global scope with bare Node's, by the web platform tests.
 *
 *     sh bin/node26 --dev test/conformance/wpt.ts <checkout of web-platform-tests/wpt> [part of a path]
 *
 * Not part of `npm test`: the tests are large, belong to others and are not kept here. Prints every subtest that
 * bare Node passes and a function does not; those of known-losses.ts with their reason. Ends with 1 on any other.
 */

import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { findReason } from "./known-losses.ts";
import { runBare } from "./run-bare.ts";
import { openGuestRunner } from "./run-guest.ts";
import { readWptFiles, toModule } from "./wpt-files.ts";
import { countPassed, findLost } from "./wpt-run.ts";
import { openWptServer } from "./wpt-server.ts";

const TIMEOUT_MS = 10_000;

interface Row {
  files: number;
  skipped: number;
  subtests: number;
  bare: number;
  nebula: number;
  lost: number;
  explained: number;
}

function createRow(): Row {
  return { files: 0, skipped: 0, subtests: 0, bare: 0, nebula: 0, lost: 0, explained: 0 };
}

const [, , checkout, filter = ""] = process.argv;
if (checkout === undefined) {
  console.error("Cannot run: the first argument must be a checkout of web-platform-tests/wpt");
  process.exit(2);
}
const root = resolve(checkout);
const dir = await mkdtemp(join(tmpdir(), "nebula-wpt-"));
await mkdir(join(dir, "empty"));
const table: Record<string, Row> = {};
{
  await using server = await openWptServer(root);
  await using guests = await openGuestRunner({ cwd: join(dir, "empty"), port: server.port });
  for (const file of await readWptFiles(root, filter)) {
    const row = table[file.area] ?? createRow();
    table[file.area] = row;
    row.files += 1;
    if (file.skipped !== undefined) {
      row.skipped += 1;
      console.log(`skipped ${file.path}: ${file.skipped}`);
      continue;
    }
    const text = toModule(root, { file, port: server.port });
    for (const variant of file.variants) {
      const url = `http://localhost:${server.port}/${file.path}${variant}`;
      const [bare, nebula] = await Promise.all([
        runBare(text, { dir, url, timeoutMs: TIMEOUT_MS }),
        guests.run(text, { url, timeoutMs: TIMEOUT_MS }),
      ]);
      row.subtests += bare.tests.size;
      row.bare += countPassed(bare);
      row.nebula += countPassed(nebula);
      const missing = server.takeMissing();
      if (missing.length > 0) console.log(`partly skipped ${file.path}: needs WPT's server for ${missing.join(", ")}`);
      if (bare.status !== 0 || nebula.status !== 0) {
        console.log(
          `harness ${file.path}${variant}: bare ${bare.status} ${bare.message}; function ${nebula.status} ${nebula.message}`,
        );
      }
      for (const { name, message } of findLost(bare, nebula)) {
        const reason = findReason(file.path, { name, message });
        if (reason === undefined) row.lost += 1;
        else row.explained += 1;
        console.log(
          `${reason === undefined ? "LOST" : "lost"} ${file.path}${variant}: ${name}\n     ${reason ?? message}`,
        );
      }
    }
  }
}
await rm(dir, { recursive: true, force: true });
console.table(table);
process.exitCode = Object.values(table).some(({ lost }) => lost > 0) ? 1 : 0;
