/**
 * Blank guest processes by the runtime that a function asks for. Those of Node are there from the start; the others are not
 * looked for before the first function asks.
 */

import type { RuntimeName } from "../../model/function.ts";
import type { Nursery } from "../guest/nursery.ts";

/** Where isolates take their processes from. */
export interface Nurseries extends AsyncDisposable {
  /**
   * The blank processes of that runtime.
   * @throws {NebulaError} NEBULA_START_FAILED when this machine does not have it.
   */
  get(runtime: RuntimeName): Promise<Nursery>;
}

/** Owns `node` from then on, and what `openDeno` gives. */
export function createNurseries(node: Nursery, openDeno: () => Promise<Nursery>): Nurseries {
  let deno: Promise<Nursery> | undefined;
  const getDeno = async (): Promise<Nursery> => {
    // because what is missing may be installed while the node runs
    deno ??= openDeno().catch((error: unknown) => {
      deno = undefined;
      throw error;
    });
    return await deno;
  };
  return {
    get: async (runtime) => (runtime === "deno" ? await getDeno() : node),
    [Symbol.asyncDispose]: async () => {
      const opened = await deno?.catch(() => undefined);
      await Promise.all([node[Symbol.asyncDispose](), opened?.[Symbol.asyncDispose]()]);
    },
  };
}
