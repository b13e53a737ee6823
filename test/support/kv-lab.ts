/**
 * KV namespaces with a real storage process in a temporary folder, and a clock of the test's own.
 */

import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createKv } from "../../src/bindings/kv/kv.ts";
import { openStorage, type Storage } from "../../src/bindings/storage/storage.ts";
import { buildGuestBootstrap } from "../../src/build/guest-bootstrap.ts";
import type { Ask } from "../../src/env/ask.ts";
import { KvNamespace } from "../../src/env/kv.ts";
import { type Clock, type Resource, silentLog, systemClock } from "../../src/model/ports.ts";

export interface KvLab extends AsyncDisposable {
  readonly dir: string;
  readonly storage: Storage;
  /** What functions are bound to. */
  resource(id: string): Resource;
  /** As a function sees it. */
  namespace(id: string): KvNamespace;
  /** Ends the process as a clean end of the node does; the next call starts another one. */
  reopen(): Promise<void>;
}

const code = buildGuestBootstrap(new URL("../../src/bindings/kv/main.storage.ts", import.meta.url).pathname);

export async function openKvLab({ clock = systemClock, dir }: { clock?: Clock; dir?: string } = {}): Promise<KvLab> {
  const own = dir ?? (await realpath(await mkdtemp(join(tmpdir(), "nebula-kv-"))));
  const open = () => {
    const storage = openStorage({
      what: "KV namespaces",
      dir: own,
      bundle: () => code,
      settings: own,
      setpriv: undefined,
      clock: systemClock,
      log: silentLog,
    });
    return { storage, find: createKv({ storage, clock }) };
  };
  let { storage, find } = open();
  const resource = (id: string) => find({ type: "kv", name: "KV", id }, { name: "test" });
  return {
    dir: own,
    get storage() {
      return storage;
    },
    resource,
    namespace: (id) => new KvNamespace(toAsk(() => resource(id))),
    reopen: async () => {
      await storage[Symbol.asyncDispose]();
      ({ storage, find } = open());
    },
    [Symbol.asyncDispose]: async () => {
      await storage[Symbol.asyncDispose]();
      if (dir === undefined) await rm(own, { recursive: true, force: true });
    },
  };
}

/** A way to ask a resource as a function does, without a function. */
export function toAsk(resource: () => Resource): Ask {
  return async ({ method, url, headers, body, signal = new AbortController().signal }) => {
    const call = { head: { method, url, headers }, body, signal };
    const answer = await resource().fetch(call, { requestId: "r", callers: [] });
    return { ...answer.head, body: answer.body };
  };
}
