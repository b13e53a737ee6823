/**
 * The table of every key of the configuration: wrangler's, those that older wranglers had, and Nebula's.
 *
 * `check.ts` validates by it, and `docs/compatibility.md` is written from it.
 */

import { ACCEPTED_KEYS } from "./keys-accepted.ts";
import { HONOURED_KEYS } from "./keys-honoured.ts";
import { NEBULA_KEYS } from "./keys-nebula.ts";
import { REFUSED_KEYS } from "./keys-refused.ts";
import { STATE_KEYS } from "./keys-state.ts";
import type { Keys } from "./schema.ts";

/** Every key of the top level but `env`, which holds the same keys once more per environment. */
export const CONFIG_KEYS: Keys = {
  ...HONOURED_KEYS,
  ...STATE_KEYS,
  ...NEBULA_KEYS,
  ...ACCEPTED_KEYS,
  ...REFUSED_KEYS,
};
