/**
 * An engine whose functions are closures of the test: every start, request and end is in the test's hands.
 */

import type { Instance, InstanceAnswer, Prepared } from "../../src/engine/engine.ts";
import type { NebulaError } from "../../src/model/errors.ts";
import type { Call } from "../../src/model/exchange.ts";

export interface FakeInstance extends Instance {
  /** Ends it as if its process had died. */
  die(reason?: NebulaError): void;
  readonly isDisposed: boolean;
}

export interface FakePrepared extends Prepared {
  /** Every start that was asked for, in order; settled by the test unless `startsAtOnce`. */
  readonly starts: { readonly instance: FakeInstance; succeed(): void; fail(error: Error): void }[];
  disposals: number;
}

export interface FakeOptions {
  readonly startsAtOnce?: boolean;
  fetch?(call: Call): Promise<Omit<InstanceAnswer, "settled"> & Partial<Pick<InstanceAnswer, "settled">>>;
}

export function createFakePrepared({ startsAtOnce = false, fetch }: FakeOptions = {}): FakePrepared {
  const starts: FakePrepared["starts"] = [];
  const prepared: FakePrepared = {
    starts,
    disposals: 0,
    start: async () => {
      const instance = createFakeInstance(fetch);
      const { promise, resolve, reject } = Promise.withResolvers<Instance>();
      starts.push({ instance, succeed: () => resolve(instance), fail: reject });
      if (startsAtOnce) resolve(instance);
      return await promise;
    },
    [Symbol.asyncDispose]: async () => {
      prepared.disposals += 1;
    },
  };
  return prepared;
}

function createFakeInstance(fetch: FakeOptions["fetch"]): FakeInstance {
  const ended = Promise.withResolvers<NebulaError | undefined>();
  let isDisposed = false;
  return {
    ended: ended.promise,
    fetch: async (call) => {
      const answer = await (fetch?.(call) ?? { head: { status: 200, headers: [] }, body: null });
      return { settled: Promise.resolve(), ...answer };
    },
    die: ended.resolve,
    get isDisposed() {
      return isDisposed;
    },
    [Symbol.asyncDispose]: async () => {
      isDisposed = true;
      ended.resolve(undefined);
    },
  };
}
