/**
 * A value that is not to be seen: typed at a terminal without being shown, or read from standard input. Never from the
 * command line, which every process of the machine can read and shells remember.
 */

import { MAX_SECRET_BYTES } from "../model/secrets.ts";
import { usageError } from "./args.ts";
import type { CliIo } from "./io.ts";
import { findKeys, splitKeys, type TerminalInput } from "./top/screen.ts";

/** Enter in its two forms, and Ctrl-D. */
const ENDS: ReadonlySet<string> = new Set(["\r", "\n", "\u0004"]);
const ERASES: ReadonlySet<string> = new Set(["\b", "\u007f"]);
/** Ctrl-C and Ctrl-U. */
const GIVE_UP = "\u0003";
const CLEAR = "\u0015";
/** White space at the end is dropped, and may be some more. */
const MAX_READ_BYTES = 4 * MAX_SECRET_BYTES;

/**
 * The value without white space at its end; `undefined` when whoever types gave up.
 *
 * @throws {NebulaError} NEBULA_USAGE when there is none, or far too much.
 */
export async function readSecret(
  { stdin, stderr }: Pick<CliIo, "stdin" | "stderr">,
  { prompt, signal }: { prompt: string; signal: AbortSignal },
): Promise<string | undefined> {
  const keys = findKeys(stdin);
  const ask = () => void stderr.write(prompt);
  const text = keys === undefined ? await readPipe(stdin, signal) : await readTyped(keys, { ask, signal });
  if (keys !== undefined) stderr.write("\n");
  const value = text?.trimEnd();
  if (value !== "") return value;
  throw usageError(
    "Cannot read the value: there is none",
    "Type it, or pipe it in: printf %s … | nebula secret put <key>",
  );
}

async function readPipe(stdin: CliIo["stdin"], signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stdin) {
    signal.throwIfAborted();
    const buffer = Buffer.from(chunk);
    bytes += buffer.byteLength;
    if (bytes > MAX_READ_BYTES) throw usageError(`Cannot read the value: it has more than ${MAX_SECRET_BYTES} bytes`);
    chunks.push(buffer);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    // because the decoder has no more to say than this
    throw usageError("Cannot read the value: it is no text in UTF-8", "Put other bytes as base64");
  }
}

/** One line, of UTF-16 units as the terminal sends them. In raw mode the terminal shows nothing, and Ctrl-C is a character. */
async function readTyped(
  keys: TerminalInput,
  { ask, signal }: { ask: () => void; signal: AbortSignal },
): Promise<string | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<string | undefined>();
  const decoder = new TextDecoder();
  let typed: string[] = [];
  const onData = (chunk: Buffer | string) => {
    const text = typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
    for (const key of splitKeys(text)) {
      if (key === GIVE_UP) return onEnd();
      if (ENDS.has(key)) return resolve(typed.join(""));
      if (key === CLEAR) typed = [];
      else if (ERASES.has(key)) typed.pop();
      // Longer ones are arrows and the like.
      else if (key.length === 1 && typed.length < MAX_READ_BYTES) typed.push(key);
    }
  };
  const onEnd = () => resolve(undefined);
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  keys.on("data", onData);
  keys.on("end", onEnd);
  keys.setRawMode(true);
  // Only now: what is typed before would be shown.
  ask();
  try {
    return await promise;
  } finally {
    signal.removeEventListener("abort", onAbort);
    keys.off("data", onData);
    keys.off("end", onEnd);
    keys.setRawMode(false);
    keys.pause();
  }
}
