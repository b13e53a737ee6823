/**
 * The storage process of all KV namespaces: one file for each, opened when it is first asked for.
 */

import { Buffer } from "node:buffer";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { GIB } from "../../model/units.ts";
import { Commits, type WorkKind } from "../storage/commits.storage.ts";
import { closeDatabase, openDatabase } from "../storage/database.storage.ts";
import { type Service, type ServiceAnswer, serveStorage } from "../storage/serve.storage.ts";
import { findTrouble, StorageError } from "../storage/storage-error.storage.ts";
import { Namespace } from "./namespace.storage.ts";
import type { KvAnswers, KvHead } from "./protocol.ts";

interface Opened {
  readonly db: DatabaseSync;
  readonly commits: Commits;
  readonly namespace: Namespace;
  /** Under way. */
  calls: number;
}

/** The most that one namespace may take on the disk. */
const MAX_BYTES = 64 * GIB;
/** Files open at once; the one that was asked longest ago is closed for another. */
const MAX_OPEN = 64;

class KvService implements Service {
  readonly #dir: string;
  /** The one that was asked last is the last. */
  readonly #opened = new Map<string, Opened>();

  constructor(dir: string) {
    this.#dir = dir;
  }

  async answer(head: unknown, body: Uint8Array): Promise<ServiceAnswer> {
    try {
      const asked = fromHost(head);
      const opened = this.#open(asked.namespace);
      opened.calls += 1;
      return await answerFrom(opened, asked, body).finally(() => {
        opened.calls -= 1;
      });
    } catch (thrown) {
      const trouble = findTrouble(thrown);
      if (trouble === undefined || !(thrown instanceof Error)) throw thrown;
      throw new StorageError(trouble, thrown.message, { cause: thrown });
    }
  }

  close(): void {
    for (const { db } of this.#opened.values()) closeDatabase(db);
    this.#opened.clear();
  }

  #open(name: string): Opened {
    const opened = this.#opened.get(name) ?? this.#openFile(name);
    this.#opened.delete(name);
    this.#opened.set(name, opened);
    // There may be more of them when all were at work at once.
    while (this.#opened.size > MAX_OPEN && this.#closeOldest(opened));
    return opened;
  }

  #openFile(name: string): Opened {
    const db = openDatabase(join(this.#dir, `${name}.sqlite`), { maxBytes: MAX_BYTES });
    try {
      return { db, commits: new Commits(db), namespace: new Namespace(db), calls: 0 };
    } catch (thrown) {
      closeDatabase(db);
      throw thrown;
    }
  }

  /** `false` when all of them are at work, but the one that is about to be. */
  #closeOldest(wanted: Opened): boolean {
    for (const [name, each] of this.#opened) {
      if (each.calls > 0 || each === wanted) continue;
      this.#opened.delete(name);
      closeDatabase(each.db);
      return true;
    }
    return false;
  }
}

async function answerFrom({ commits, namespace }: Opened, head: KvHead, body: Uint8Array): Promise<ServiceAnswer> {
  const run = <T>(kind: WorkKind, work: () => T) => commits.run(kind, work);
  switch (head.op) {
    case "get": {
      const entry = await run("read", () => namespace.get(head.key, head.now));
      if (entry === undefined) return toAnswer<"get">({ isFound: false });
      const { value, ...rest } = entry;
      return toAnswer<"get">({ isFound: true, ...rest }, value);
    }
    case "many": {
      const { values, ...rest } = await run("read", () => namespace.getMany(head.keys, head.now));
      return toAnswer<"many">(rest, Buffer.concat(values));
    }
    case "put": {
      const dropped = await run("write", () => namespace.put(head.key, head.pieces ?? body, head));
      if (dropped === undefined) throw new StorageError("ended", "the pieces of the value are gone");
      return toAnswer<"put">({ dropped });
    }
    case "delete":
      return toAnswer<"delete">({ dropped: await run("write", () => namespace.delete(head.key)) });
    case "list": {
      const { text, ...rest } = await run("read", () => namespace.list(head, head.now));
      return toAnswer<"list">(rest, Buffer.from(text));
    }
    case "piece":
      await run("write", () => namespace.putPiece(head.id, head.at, body));
      return toAnswer<"piece">({});
    case "read": {
      const bytes = await run("read", () => namespace.readPiece(head.id, head.at));
      if (bytes === undefined) throw new StorageError("ended", "the pieces of the value are gone");
      return toAnswer<"read">({}, bytes);
    }
    case "drop":
      await run("write", () => namespace.drop(head.ids));
      return toAnswer<"drop">({});
    case "sweep":
      return toAnswer<"sweep">(await run("write", () => namespace.sweep(head.now)));
  }
}

function toAnswer<Op extends keyof KvAnswers>(head: KvAnswers[Op], body: Uint8Array | null = null): ServiceAnswer {
  return { head, body: body?.byteLength === 0 ? null : body };
}

/** The border with the host, whose words are trusted. */
function fromHost(head: unknown): KvHead {
  return head as KvHead;
}

serveStorage((settings) => new KvService(String(settings)));
