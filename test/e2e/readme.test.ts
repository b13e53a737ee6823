/**
 * "Thirty seconds" of the README, as it stands there: the commands are run in a copy of this repo, one after the other,
 * and print what the README says. Ports are other ones, `…` stands for anything, and `git clone` is the copy.
 */

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";

const REPO = join(import.meta.dirname, "../..");
const NOT_COPIED = new Set([".git", ".nebula", "node_modules", "test", "bench", "dist"]);
/** Until a change is served, and until a node is ready on a machine under load. */
const PATIENCE_MS = 20_000;
const READY = /^ready data=http:\/\/127\.0\.0\.1:(\d+) control=http:\/\/127\.0\.0\.1:(\d+)$/m;

let folder = "";
let node: ChildProcess | undefined;
let ports: readonly string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nebula-readme-"));
  const filter = (source: string) => source === REPO || !NOT_COPIED.has(basename(source));
  await cp(REPO, folder, { recursive: true, preserveTimestamps: true, filter });
  await symlink(join(REPO, "node_modules"), join(folder, "node_modules"));
});

afterAll(async () => {
  await stopNode();
  await rm(folder, { recursive: true, force: true });
});

const text = await readFile(join(REPO, "README.md"), "utf8");

test.each(readTranscript(text))("$command", async ({ command, expected }) => {
  if (command.startsWith("git clone")) return;
  if (command.startsWith("npm ")) {
    await stopNode();
    await startNode(command);
  } else {
    await expect.poll(() => run(command), { timeout: PATIENCE_MS }).toMatch(toPattern(expected));
  }
});

interface Step {
  readonly command: string;
  /** What it prints, as far as the README shows it. */
  readonly expected: string;
}

/** The commands of the section's blocks, each with the lines up to the next. */
function readTranscript(readme: string): Step[] {
  const section = /^## Thirty seconds$([\s\S]*?)^## /m.exec(readme)?.[1] ?? "";
  const blocks = [...section.matchAll(/^```console$([\s\S]*?)^```$/gm)].map(([, block = ""]) => block);
  return blocks.flatMap((block) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((step) => {
        const [command = "", ...lines] = step.split("\n");
        return { command, expected: lines.join("\n") };
      }),
  );
}

async function startNode(command: string): Promise<void> {
  // Without Docker, which would keep the images of a folder that is gone; containers have tests of their own.
  const DOCKER_HOST = `unix://${join(folder, "no-docker.sock")}`;
  const env = { ...process.env, NEBULA_DATA_PORT: "0", NEBULA_CONTROL_PORT: "0", DOCKER_HOST };
  node = spawn("sh", ["-c", `exec ${command}`], { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [node.stdout, node.stderr]) {
    stream?.setEncoding("utf8").on("data", (chunk: string) => {
      said += chunk;
    });
  }
  await expect.poll(() => said, { timeout: PATIENCE_MS }).toMatch(READY);
  ports = READY.exec(said)?.slice(1) ?? [];
}

async function stopNode(): Promise<void> {
  if (node === undefined) return;
  const ended = once(node, "close");
  node.kill("SIGINT");
  await ended;
  node = undefined;
}

/** What a command prints, both streams; the README's ports are this node's. */
async function run(command: string): Promise<string> {
  const [dataPort = "", controlPort = ""] = ports;
  const line = command.replaceAll("8787", dataPort).replaceAll("8788", controlPort);
  const { stdout, stderr } = await promisify(execFile)("sh", ["-c", line.replace(/^curl /, "curl -sS ")], {
    cwd: folder,
  });
  return stdout + stderr;
}

/** Each line as it is, but for `…` and the width of columns. */
function toPattern(expected: string): RegExp {
  const lines = expected.trimEnd().split("\n");
  const patterns = lines.map((line) =>
    RegExp.escape(line)
      .replaceAll(RegExp.escape("…"), ".*")
      .replace(/(?:\\x20| )+/g, " +"),
  );
  return new RegExp(`^${patterns.join("\\n")}\\n?$`);
}
