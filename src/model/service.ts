/**
 * One function asks another: what the asking side, the host and the answering side agree on.
 */

import type { Json } from "./function.ts";
import { MIB } from "./units.ts";

/**
 * Which part of a function is asked, and how. Said by the host alone, beside the head of a request and never in it, so
 * that no client can say it.
 */
export interface Target {
  /** An export of its module; the default export when left out. */
  readonly entrypoint?: string;
  /** What it finds as `ctx.props`. */
  readonly props?: Readonly<Record<string, Json>>;
  /** A method is called: the body says which, and so does the answer's what came of it. */
  readonly isRpc?: true;
}

/** The address that calls of methods go to. Nothing that is fetched has it: `fetch` takes http and https alone. */
export const RPC_URL = "rpc:call";
/** Arguments, or a result, as they are sent. Cloudflare's limit (developers.cloudflare.com/workers/runtime-apis/rpc). */
export const RPC_LIMIT_BYTES = 32 * MIB;
/** How long a path of properties may be: `env.OTHER.a.b.c()` has three. */
export const RPC_PATH_LIMIT = 32;
/**
 * Functions that one request may go through, the first and the last counted.
 * @see https://developers.cloudflare.com/workers/runtime-apis/bindings/service-bindings/#limits
 */
export const MAX_FUNCTIONS = 32;

/** The status of a call that gave a value, and of one that threw. */
export const RPC_STATUS = { returned: 200, threw: 500 } as const;

/** What a method threw, as the body of the answer: JSON. */
export interface Thrown {
  readonly name: string;
  readonly message: string;
  /** Mapped to the sources. */
  readonly stack?: string;
  /** All of what was thrown, where it is small enough, as text of a clone. */
  readonly thrown?: string;
}
