/**
 * A configuration file: bytes → text → source. Reads at most 1 MiB, and never waits at a pipe.
 */

import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { extname } from "node:path";
import { formatBytes, MIB } from "../model/units.ts";
import { Findings } from "./findings.ts";
import { explainReadFailure } from "./folder.ts";
import { parseJsonc } from "./jsonc.ts";
import { findTooDeep, formatPath, MAX_DEPTH, type Parsed, type Source } from "./source.ts";
import { parseToml } from "./toml.ts";

/** A configuration file larger than this is none. */
export const MAX_CONFIG_BYTES = MIB;

const PARSERS: Readonly<Record<string, (text: string) => Parsed>> = {
  ".toml": parseToml,
  ".json": parseJsonc,
  ".jsonc": parseJsonc,
};

/** The file as far as it could be read, and what was found on the way. */
export interface ConfigFile {
  readonly source?: Source;
  readonly findings: Findings;
}

/** Reads and parses a file; whatever is wrong with it becomes a finding. */
export async function readConfigFile(path: string): Promise<ConfigFile> {
  const parse = PARSERS[extname(path)];
  if (parse === undefined) return toFailure(path, "its name must end in .toml, .json or .jsonc");
  const read = await readConfigText(path);
  if ("problem" in read) return toFailure(path, read.problem);
  const { source, problems } = parse(read.text);
  const findings = new Findings(path, source?.positionOf);
  for (const problem of problems) findings.onText(problem);
  if (source === undefined) return { findings };
  const deep = findTooDeep(source.value);
  if (deep === undefined) return { source, findings };
  findings.onText({
    message: `"${formatPath(deep.slice(0, 3))}…" lies more than ${MAX_DEPTH} levels deep`,
    position: source.positionOf(deep, "key"),
  });
  return { findings };
}

function toFailure(path: string, message: string): ConfigFile {
  const findings = new Findings(path);
  findings.onFile(message);
  return { findings };
}

/** The text of a file, or why it cannot be read, a clause. */
export type Text = { readonly text: string } | { readonly problem: string };

/** Reads a file of at most MAX_CONFIG_BYTES, as UTF-8. */
export async function readConfigText(path: string): Promise<Text> {
  try {
    // Without O_NONBLOCK opening a named pipe waits for its other end.
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = await file.stat();
    if (stats.isDirectory()) return { problem: "it is a folder" };
    if (!stats.isFile()) return { problem: "it is not a file" };
    const bytes = await readUpTo(file, MAX_CONFIG_BYTES + 1);
    if (bytes.length > MAX_CONFIG_BYTES) return { problem: `it is larger than ${formatBytes(MAX_CONFIG_BYTES)}` };
    return decode(bytes);
  } catch (thrown) {
    const problem = explainReadFailure(thrown);
    if (problem === undefined) throw thrown;
    return { problem };
  }
}

/** Counts what comes instead of trusting the size: a file may grow, and those of /proc say 0. */
async function readUpTo(file: FileHandle, maxBytes: number): Promise<Uint8Array> {
  const buffer = new Uint8Array(maxBytes);
  let length = 0;
  while (length < maxBytes) {
    const { bytesRead } = await file.read(buffer, length, maxBytes - length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}

function decode(bytes: Uint8Array): Text {
  try {
    // Also drops a byte order mark.
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch (thrown) {
    if (thrown instanceof TypeError) return { problem: "it is not valid UTF-8" };
    throw thrown;
  }
}
