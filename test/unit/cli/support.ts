/**
 * A command line without a process: what goes in is given, what comes out is kept.
 */

import { EventEmitter } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Readable, Writable } from "node:stream";
import { runCli } from "../../../src/cli/cli.ts";
import type { CliIo } from "../../../src/cli/io.ts";

export interface FakeIo extends CliIo {
  readonly signals: EventEmitter;
  readonly out: { readonly stdout: string; readonly stderr: string };
}

export interface FakeIoOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly isTty?: boolean;
}

export function createIo({ cwd = tmpdir(), env = {}, stdin = "", isTty = false }: FakeIoOptions = {}): FakeIo {
  const out = { stdout: "", stderr: "" };
  const keep = (name: "stdout" | "stderr") =>
    new Writable({
      write(chunk, _encoding, done) {
        out[name] += String(chunk);
        done();
      },
    });
  const [stdout, stderr] = [keep("stdout"), keep("stderr")];
  return { stdin: Readable.from([stdin]), stdout, stderr, env, cwd, signals: new EventEmitter(), isTty, out };
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command line to its end. */
export async function run(argv: readonly string[], options: FakeIoOptions = {}): Promise<Ran> {
  const io = createIo(options);
  const code = await runCli(argv, io);
  return { code, ...io.out };
}

export interface Folder extends AsyncDisposable {
  readonly dir: string;
  write(name: string, content: string): Promise<void>;
}

/** A new folder with these files. A name that ends in `/` is a folder. */
export async function createFolder(files: Readonly<Record<string, string>> = {}): Promise<Folder> {
  const dir = await mkdtemp(join(tmpdir(), "nebula-cli-"));
  const write = async (name: string, content: string) => {
    const path = join(dir, name);
    await mkdir(name.endsWith("/") ? path : dirname(path), { recursive: true });
    if (!name.endsWith("/")) await writeFile(path, content);
  };
  for (const [name, content] of Object.entries(files)) await write(name, content);
  return { dir, write, [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }) };
}
