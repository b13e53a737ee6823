/**
 * A mixed load: light and heavy requests in an order that is the same each time, from several clients at once, each
 * of which waits for its answer. Says how long each took, and who answered.
 */

import { openConnection } from "./connection.ts";
import { askForm, PATHS } from "./engine-set.ts";
import { seeded } from "./stats.ts";

export interface MixedLoadOptions {
  readonly clients: number;
  readonly requests: number;
  /** Which share of the requests is heavy. */
  readonly heavyShare: number;
  readonly seed: number;
  readonly signal: AbortSignal;
}

export interface MixedAnswer {
  readonly isHeavy: boolean;
  readonly ms: number;
  /** Of `x-nebula-engine`. */
  readonly engine: string;
}

/** Asks one function until all requests are answered. */
export async function runMixedLoad(url: URL, name: string, options: MixedLoadOptions): Promise<MixedAnswer[]> {
  const { clients, requests, heavyShare, seed, signal } = options;
  const random = seeded(seed);
  const order = Array.from({ length: requests }, () => random() < heavyShare);
  const answers: MixedAnswer[] = [];
  const ask = async () => {
    using connection = await openConnection(url);
    for (let isHeavy = order.pop(); isHeavy !== undefined; isHeavy = order.pop()) {
      signal.throwIfAborted();
      const { head, totalMs } = await askForm(connection, name, isHeavy ? PATHS.heavy : PATHS.light);
      answers.push({ isHeavy, ms: totalMs, engine: /\r\nx-nebula-engine: *(\S+)/i.exec(head)?.[1] ?? "" });
    }
  };
  await Promise.all(Array.from({ length: clients }, ask));
  return answers;
}
