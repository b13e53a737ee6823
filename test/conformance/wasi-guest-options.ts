/**
 * How a program under test is started, and its standard streams.
 */

import type { Memories } from "../../src/engine/wasi/memories.guest.ts";
import type { NamedDirectory } from "../../src/engine/wasi/program-io.guest.ts";
import type { ByteSink, ByteSource } from "../../src/engine/wasi/streams.guest.ts";

/** What the command line says. */
export interface GuestArgs {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly dirs: readonly { readonly from: string; readonly path: string }[];
  readonly isService: boolean;
}

/** A program, and all that it is given. */
export interface Started {
  readonly bytes: Uint8Array;
  readonly memories: Memories;
  readonly memoryBytes: number;
  /** With the name of the program first. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly preopens: readonly NamedDirectory[];
  readonly stdin: ByteSource;
  readonly stdout: ByteSink;
  readonly stderr: ByteSink;
}

export function parseGuestArgs(argv: readonly string[]): GuestArgs {
  const env: Record<string, string> = {};
  const dirs: { from: string; path: string }[] = [];
  let isService = false;
  let at = 0;
  for (; argv[at]?.startsWith("--"); at++) {
    const option = argv[at];
    if (option === "--serve") {
      isService = true;
      continue;
    }
    at += 1;
    const [key = "", value = ""] = splitOnce(argv[at] ?? "", option === "--env" ? "=" : "::");
    if (option === "--env") env[key] = value;
    else dirs.push({ from: key, path: value });
  }
  const [file = "", ...args] = argv.slice(at);
  return { file, args, env, dirs, isService };
}

function splitOnce(text: string, by: string): [string, string] {
  const at = text.indexOf(by);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + by.length)];
}

/** The process's own streams, in the form that programs are given. Nothing is read before the program asks. */
export function toStreams(
  from: Pick<NodeJS.Process, "stdin" | "stdout" | "stderr">,
): Pick<Started, "stdin" | "stdout" | "stderr"> {
  let chunks: AsyncIterator<Uint8Array> | undefined;
  let rest: Uint8Array = new Uint8Array();
  const refill = async (max: number) => {
    chunks ??= from.stdin[Symbol.asyncIterator]();
    const next = await chunks.next();
    rest = next.done ? new Uint8Array() : next.value;
    return cut(max);
  };
  const cut = (max: number) => {
    const part = rest.subarray(0, max);
    rest = rest.subarray(part.byteLength);
    return part;
  };
  const toSink = (stream: NodeJS.WriteStream): ByteSink => ({
    write: (bytes) => new Promise<void>((resolve) => void stream.write(bytes.slice(), () => resolve())),
  });
  return {
    stdin: { read: (max) => (rest.byteLength > 0 ? cut(max) : refill(max)) },
    stdout: toSink(from.stdout),
    stderr: toSink(from.stderr),
  };
}
