/**
 * What Docker says while it builds, loads or pulls: one JSON object a line, the last of which may be an error.
 */

import { Readable } from "node:stream";
import { toDockerError } from "./docker-error.ts";

/** Takes one line: `Loading layer 12.3MB/40MB`. */
export type OnProgress = (text: string) => void;

/** Longer lines are cut: they are for people. */
const MAX_LINE_CHARS = 65_536;

/** What is waited for, and who is told. */
export interface ProgressOptions {
  /** Completes "Docker cannot …". */
  readonly verb: string;
  readonly onProgress: OnProgress;
  readonly signal: AbortSignal;
}

/** Reads it to its end. @throws {NebulaError} NEBULA_START_FAILED with Docker's words when it says that it failed. */
export async function followProgress(
  stream: NodeJS.ReadableStream,
  { verb, onProgress, signal }: ProgressOptions,
): Promise<void> {
  const readable = Readable.from(stream);
  const onAbort = () => readable.destroy();
  signal.addEventListener("abort", onAbort, { once: true });
  let rest = "";
  try {
    for await (const chunk of readable) {
      const lines = (rest + String(chunk)).split("\n");
      rest = (lines.pop() ?? "").slice(0, MAX_LINE_CHARS);
      for (const line of lines) tell(line);
    }
    tell(rest);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }

  function tell(line: string): void {
    const { error, text } = readProgress(line);
    if (error !== undefined) throw toDockerError({ message: error }, { verb, socketPath: undefined });
    if (text !== undefined) onProgress(text);
  }
}

/** One line: what a build prints, or how far a layer is. */
function readProgress(line: string): { error?: string; text?: string } {
  const said = parse(line);
  if (typeof said.error === "string") return { error: said.error };
  if (typeof said.stream === "string") return { text: said.stream };
  if (typeof said.status !== "string") return {};
  const { current, total }: Record<string, unknown> = Object(said.progressDetail);
  const far = typeof current === "number" && typeof total === "number" ? ` ${current}/${total}` : "";
  const layer = typeof said.id === "string" ? `${said.id}: ` : "";
  return { text: `${layer}${said.status}${far}\n` };
}

function parse(line: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(line));
  } catch {
    // because a line that is cut off, or empty, says nothing
    return {};
  }
}
