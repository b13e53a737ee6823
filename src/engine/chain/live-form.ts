/**
 * One form of a function as it lives on this node: what it is made of, its instances, and how it has done so far.
 *
 *     left out ⇄ ready          left out: why is in `failure`; it may become ready later
 */

import type { Artifact } from "../../model/artifact.ts";
import type { Form } from "../../model/deployment.ts";
import type { NebulaError } from "../../model/errors.ts";
import type { EngineName } from "../../model/function.ts";
import type { Pool } from "../pool.ts";
import { Breaker, type BreakerOptions } from "./breaker.ts";
import { Recent } from "./recent.ts";

/** One form of a function on this node. */
export class LiveForm {
  readonly engine: EngineName;
  /** Its place in the list. */
  readonly place: number;
  readonly artifact: Artifact | undefined;
  readonly breaker: Breaker;
  /** Milliseconds of the last requests, until their heads, and of the last starts. */
  readonly runs = new Recent();
  readonly starts = { cold: new Recent(), thaw: new Recent() };
  /** It isolates less than one before it, and may not answer whatever happens. */
  isBarred = false;
  /** A request may turn into another protocol there. */
  mayUpgrade = false;
  /** Its instances, once it is prepared. */
  pool: Pool | undefined;
  /** Why there are none. */
  failure: NebulaError | undefined;

  constructor(form: Form, { place, ...options }: BreakerOptions & { place: number }) {
    this.engine = form.engine;
    this.artifact = "artifact" in form ? form.artifact : undefined;
    this.place = place;
    this.breaker = new Breaker(options);
  }
}

/** A form that can be asked. */
export type ReadyForm = LiveForm & { readonly pool: Pool };

/** Whether it can be asked. */
export function isReady(form: LiveForm): form is ReadyForm {
  return form.pool !== undefined;
}
