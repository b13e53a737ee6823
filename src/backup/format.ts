/**
 * What a backup is: a tar of plain files, the last of which tells what the others must be.
 *
 *     registry.db                       deployments, functions, secrets (sealed)
 *     artifacts/ab/cdef…                a blob, named by its digest
 *     d1/… kv/…                         a database, a namespace: files that end in .sqlite
 *     states/<function>.state           the directory that a Wasm program keeps
 *     secrets.key  token                what opens the secrets, and the control API: may be left out
 *     manifest.json                     name, size and digest of each of them
 *
 * Nothing else is taken from one: the names that may be there are known, and there are no links, folders or extensions.
 */

import { type Digest, isDigest } from "../model/artifact.ts";
import { NebulaError } from "../model/errors.ts";
import { hasShape, isBoolean, isCount, isText, listOf, oneOf } from "../model/shape.ts";
import { MIB } from "../model/units.ts";

/** One file of a backup. */
export interface BackupFile {
  readonly name: string;
  readonly digest: Digest;
  readonly bytes: number;
}

/** What a backup tells of itself. */
export interface Manifest {
  readonly kind: typeof BACKUP_KIND;
  readonly format: typeof BACKUP_FORMAT;
  /** Of the node that made it. */
  readonly version: string;
  readonly createdAtMs: number;
  /** Whether the secrets can be opened with what is in it. */
  readonly hasKey: boolean;
  /** All but itself, in their order. */
  readonly files: readonly BackupFile[];
}

/** Tells a backup from other tars. */
export const BACKUP_KIND = "nebula-backup";
/** What this version writes, and reads. */
export const BACKUP_FORMAT = 1;

/** The last file. */
export const MANIFEST_NAME = "manifest.json";
/** Takes the manifest's place when the node could not go on; it holds the reason. */
export const FAILURE_NAME = "failure.json";
/** Of those two: they are held in memory. */
export const MAX_MANIFEST_BYTES = 256 * MIB;
/** Files of one backup. */
export const MAX_BACKUP_FILES = 1_000_000;
/** What ends a tar: two empty blocks. */
export const TAR_END_BYTES = 1_024;

/** Never one that leads up: none begins with a dot. */
const PART = "[\\w%][\\w%.-]{0,199}";
const NAMES = [
  "registry\\.db",
  "secrets\\.key",
  "token",
  "artifacts/[0-9a-f]{2}/[0-9a-f]{62}",
  `(?:d1|kv)/(?:${PART}/)?${PART}\\.sqlite`,
  "states/[a-z0-9][a-z0-9-]{0,62}\\.state",
];
const NAME = new RegExp(`^(?:${NAMES.join("|")})$`);

/** What opens something: a backup may be without, and a restore of such a one leaves those that are there. */
export const KEY_NAMES: readonly string[] = ["secrets.key", "token"];
/** The files and folders of a state directory that a backup has, and a restore replaces. */
export const STATE_NAMES: readonly string[] = ["registry.db", "artifacts", "d1", "kv", "states", ...KEY_NAMES];

/** Whether a backup may have such a file. */
export function isBackupName(name: string): boolean {
  return NAME.test(name);
}

/** A file whose name is a digest must have it. */
export function isNamedRight({ name, digest }: Pick<BackupFile, "name" | "digest">): boolean {
  const [folder, shard = "", rest = ""] = name.split("/");
  return folder !== "artifacts" || digest === `sha256:${shard}${rest}`;
}

const isManifest = hasShape({
  kind: oneOf(BACKUP_KIND),
  format: oneOf(BACKUP_FORMAT),
  version: isText,
  createdAtMs: isCount,
  hasKey: isBoolean,
  files: listOf(hasShape({ name: isText, digest: isDigest, bytes: isCount }), MAX_BACKUP_FILES),
});

/** @throws {NebulaError} NEBULA_BACKUP_INVALID when it is none, or of another version. */
export function parseManifest(text: string): Manifest {
  const value = findJson(text);
  if (hasShape({ kind: oneOf(BACKUP_KIND), format: isCount })(value) && !isManifest(value)) {
    throw invalidBackup("it is of another version of Nebula, or damaged");
  }
  if (!isManifest(value)) throw invalidBackup("its manifest is not one");
  return fromUnknown(value);
}

/** A file that is not taken for a backup; `why` follows a colon. */
export function invalidBackup(why: string, cause?: unknown): NebulaError {
  return new NebulaError("NEBULA_BACKUP_INVALID", `Cannot use the backup: ${why}`, {
    hint: "Nothing of it was put in place; take another backup",
    ...(cause !== undefined && { cause }),
  });
}

function findJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // because what is no JSON is as wrong as any other form
    return undefined;
  }
}

/** Only after a check has looked at the value. */
function fromUnknown(value: unknown): Manifest {
  return value as Manifest;
}
