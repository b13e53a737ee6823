/**
 * A directory that outlives the invocation. The host keeps it as one piece of bytes, which only this file reads.
 *
 *     opened ─▶ changed ─▶ saved ─▶ confirmed          an invocation that fails leaves it as it was
 */

import { takeChanges } from "./files/changes.guest.ts";
import type { Directory } from "./files/directory.guest.ts";
import { type FileRecord, loadTree } from "./files/tree.guest.ts";

/** What a program may keep. */
const MAX_BYTES = 16 * 1024 * 1024;
const MAX_NAMES = 4_096;
const DEVICE = 3;

interface RecordHead {
  readonly path: string;
  readonly kind: FileRecord["kind"];
  readonly mtimeNs: string;
  readonly linkTarget?: string;
  readonly bytes?: number;
}

/** The directory of one program. Used by one invocation at a time. */
export class StateDirectory {
  readonly #nowNs: () => bigint;
  /** As the host has it. */
  #records: ReadonlyMap<string, FileRecord>;
  #saved: ReadonlyMap<string, FileRecord> | undefined;
  #root: Directory | undefined;

  /** `packed` is what `save` gave before; empty: nothing yet. */
  constructor(packed: Uint8Array, nowNs: () => bigint) {
    this.#nowNs = nowNs;
    this.#records = new Map(unpack(packed).map((record) => [record.path, record]));
  }

  /** The directory as it was saved last. */
  open(): Directory {
    const limits = { nowNs: this.#nowNs, maxBytes: MAX_BYTES, maxNames: MAX_NAMES, device: DEVICE };
    this.#root ??= loadTree(limits, this.#records.values());
    return this.#root;
  }

  /**
   * Takes what an invocation changed: all that is there now, for the host to keep, or nothing when nothing changed. It is
   * forgotten, as all that came after, unless `confirm` follows.
   */
  save(): Uint8Array | undefined {
    const changes = this.#root === undefined ? [] : takeChanges(this.#root);
    if (changes.length === 0) return undefined;
    const records = new Map(this.#records);
    for (const change of changes) {
      if (change.kind === "removed") remove(records, change.path);
      else if (change.kind === "file") records.set(change.path, { ...change, bytes: change.bytes.slice() });
      else records.set(change.path, change);
    }
    this.#saved = records;
    return pack([...records.values()]);
  }

  /** The host has what was saved last. */
  confirm(): void {
    this.#records = this.#saved ?? this.#records;
    this.#saved = undefined;
  }

  /** Forgets what an invocation changed. */
  revert(): void {
    this.#saved = undefined;
    this.#root = undefined;
  }
}

function remove(records: Map<string, FileRecord>, path: string): void {
  for (const known of records.keys()) {
    if (known === path || known.startsWith(`${path}/`)) records.delete(known);
  }
}

/** The heads as one line of JSON, and then the contents of the files. */
function pack(records: readonly FileRecord[]): Uint8Array {
  const heads = records.map(({ path, kind, mtimeNs, ...rest }): RecordHead => {
    const own = "bytes" in rest ? { bytes: rest.bytes.byteLength } : rest;
    return { path, kind, mtimeNs: String(mtimeNs), ...own };
  });
  const contents = records.flatMap((record) => (record.kind === "file" ? [record.bytes] : []));
  return Buffer.concat([Buffer.from(`${JSON.stringify(heads)}\n`), ...contents]);
}

function unpack(packed: Uint8Array): FileRecord[] {
  const end = packed.indexOf(0x0a);
  if (end < 0) return [];
  let at = end + 1;
  return fromOurselves(JSON.parse(new TextDecoder().decode(packed.subarray(0, end)))).map((head): FileRecord => {
    const { path, kind, linkTarget = "", bytes = 0 } = head;
    const mtimeNs = BigInt(head.mtimeNs);
    if (kind === "symlink") return { path, kind, linkTarget, mtimeNs };
    if (kind === "directory") return { path, kind, mtimeNs };
    at += bytes;
    return { path, kind, bytes: packed.slice(at - bytes, at), mtimeNs };
  });
}

/** The host gives back what this file wrote. */
function fromOurselves(value: unknown): RecordHead[] {
  return value as RecordHead[];
}
