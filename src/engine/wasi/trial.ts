/**
 * Tries a program in a process of its own: that it can be loaded, that it answers its proof requests in time, and while
 * it is at it until V8 has compiled well what is used, which is then kept.
 */

import { readBody } from "../../frames/read-body.ts";
import { NebulaError, toNebulaError } from "../../model/errors.ts";
import { DEFAULT_WASI } from "../../model/function.ts";
import type { Log } from "../../model/ports.ts";
import type { HostedProgram } from "./hosted-program.ts";
import type { KeptCode } from "./kept-code.ts";
import type { Lane } from "./lane.ts";
import type { ProveHead } from "./protocol.ts";

/** Where it is tried, and where machine code goes. */
export interface TrialOptions {
  /** A process that nothing else runs in, and that ends afterwards. */
  readonly lane: Lane;
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly code?: { readonly kept: KeptCode } | undefined;
}

/** How long a program is run to make it hot; a small one is hot long before. */
const HOT: Pick<ProveHead, "rounds" | "limitMs"> = { rounds: 400, limitMs: 400 };

/**
 * Tries it. That it fails on a request is its own affair, as long as it ends.
 * @throws {NebulaError} NEBULA_START_FAILED when it cannot be loaded, or the limit that it broke.
 */
export async function tryProgram(program: HostedProgram, { lane, signal, log, code }: TrialOptions): Promise<void> {
  const { name, wasi } = program.tenant.spec;
  signal.throwIfAborted();
  await lane.load(program);
  const requests = (wasi ?? DEFAULT_WASI).proof;
  try {
    const { head } = await lane.ask({ op: "prove", program: program.id, requests, ...HOT }, program);
    noteGrowth(head, name, log);
  } catch (thrown) {
    const error = toNebulaError(thrown);
    if (!lane.isOpen) throw error;
    log.write("info", "proof request failed", { function: name, code: error.code, error: error.message });
    return;
  }
  if (code === undefined || program.codeKey === undefined) return;
  const { body } = await lane.ask({ op: "keep", program: program.id }, program);
  const bytes = await readBody(body);
  if (bytes.byteLength > 0) await code.kept.put(program.codeKey, bytes);
  if (signal.aborted) throw new NebulaError("NEBULA_DRAINING", `Cannot prepare "${name}": the node is stopping`);
}

/** A memory that grew cannot be used again, and making a new one costs more than all the rest of a small request. */
function noteGrowth(head: unknown, name: string, log: Log): void {
  if (typeof head !== "object" || head === null || !("grownToBytes" in head)) return;
  log.write("info", "memory grows at each request", {
    function: name,
    toBytes: head.grownToBytes,
    hint: "link the program with an initial memory of that size (wasm-ld --initial-memory)",
  });
}
