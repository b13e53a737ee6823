/**
 * The registry: which deployments a node has, and which of them are active.
 *
 *     insert ─▶ ready ─▶ active ─▶ retired        activate (a retired one may become active again: rollback)
 *                 └────▶ failed                   fail
 *
 * Read at start and when something is deployed, never on the way of a request. Holds no bytes: artifacts are named by
 * digest. Knows nothing of engines and of routes' meaning.
 */

import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { DrizzleD1Database } from "drizzle-orm/d1";
import type { Digest } from "../model/artifact.ts";
import { isDigest } from "../model/artifact.ts";
import type { DeploymentId, DeploymentInput } from "../model/deployment.ts";
import { NebulaError, toNebulaError } from "../model/errors.ts";
import type { Clock } from "../model/ports.ts";
import { D1 } from "./d1.ts";
import { and, desc, drizzle, eq, migrate, ne, sql } from "./drizzle.ts";
import type { DeploymentFailure, DeploymentRecord, DeploymentRow } from "./from-row.ts";
import { fromRow } from "./from-row.ts";
import { KeyFile } from "./key-file.ts";
import { toRegistryError } from "./registry-error.ts";
import { deployments, functions, secrets } from "./schema.ts";
import { Secrets } from "./secrets.ts";

/** Time and randomness. */
export interface RegistryOptions {
  readonly clock: Clock;
  /** Unique text for a deployment's id. */
  randomId(): string;
}

/** A function that the node knows. */
export interface FunctionRecord {
  readonly name: string;
  readonly createdAtMs: number;
  /** Absent while no deployment of it has become active. */
  readonly activeId?: string;
}

/** What is in a copy of the registry. */
export interface RegistryCopy {
  /** Every blob that it names. */
  readonly digests: ReadonlySet<Digest>;
  readonly hasKey: boolean;
}

/** A node alone uses the file, so there is nobody to wait for longer; waiting blocks the thread. */
const BUSY_MS = 1_000;

/**
 * WAL lets a copy be read while the node writes. `FULL` syncs every commit: an activation that was confirmed must still
 * be there after a power cut, and at the speed of deployments the sync costs nothing. The log is cut back after use.
 * `secure_delete`: a secret that was deleted, or sealed with another key, is not left in free pages.
 */
const PRAGMAS = [
  "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 1048576;",
  "PRAGMA secure_delete = ON;",
].join(" ");

/** Beside the database, never in it. */
const KEY_FILE = "secrets.key";

const MIGRATIONS_DIR = fileURLToPath(new URL("../../migrations/registry", import.meta.url));

/**
 * Opens a registry's file, making or migrating it where needed.
 *
 * @throws {NebulaError} NEBULA_STATE_FAILED when the file is damaged or cannot be written.
 */
export async function openRegistry(path: string, options: RegistryOptions): Promise<Registry> {
  let client: D1 | undefined;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const keyFile = new KeyFile(join(dirname(path), KEY_FILE));
    keyFile.check();
    client = new D1(path, { busyMs: BUSY_MS });
    await client.exec(PRAGMAS);
    await migrate(drizzle(client), { migrationsFolder: MIGRATIONS_DIR });
    return new Registry({ client, path, keyFile }, options);
  } catch (error) {
    client?.[Symbol.dispose]();
    throw toRegistryError("open the registry", path, error);
  }
}

interface RegistryFiles {
  readonly client: D1;
  readonly path: string;
  readonly keyFile: KeyFile;
}

/**
 * Made by `openRegistry`. A change is on disk when its promise resolves.
 *
 * Every method throws NEBULA_STATE_FAILED when the file is damaged or the disk refuses.
 */
export class Registry implements AsyncDisposable {
  readonly secrets: Secrets;
  readonly #client: D1;
  readonly #db: DrizzleD1Database;
  readonly #path: string;
  readonly #keyPath: string;
  readonly #options: RegistryOptions;

  constructor({ client, path, keyFile }: RegistryFiles, options: RegistryOptions) {
    this.#client = client;
    this.#db = drizzle(client);
    this.#path = path;
    this.#keyPath = keyFile.path;
    this.#options = options;
    this.secrets = new Secrets({ db: this.#db, path, keyFile, clock: options.clock });
  }

  /** Writes a new deployment, ready to be prepared, and its function where that is new. */
  insert(input: DeploymentInput, digest: Digest): Promise<DeploymentRecord> {
    const { spec, forms, assets, migrations } = input;
    const createdAtMs = this.#options.clock.dateMs();
    const id: DeploymentId = `d_${this.#options.randomId()}`;
    return this.#attempt("insert a deployment", async () => {
      await this.#db.batch([
        this.#db.insert(functions).values({ name: spec.name, createdAtMs }).onConflictDoNothing(),
        this.#db.insert(deployments).values({
          id,
          functionName: spec.name,
          digest,
          state: "ready",
          createdAtMs,
          spec: JSON.stringify(spec),
          forms: JSON.stringify(forms),
          assets: assets && JSON.stringify(assets),
          migrations: migrations && JSON.stringify(migrations),
        }),
      ]);
      return { ...input, id, digest, createdAtMs, state: "ready" };
    });
  }

  /**
   * Makes a deployment the active one of its function and retires the one before, at once. Twice is quiet.
   *
   * @throws {NebulaError} NEBULA_FUNCTION_NOT_FOUND when there is no such deployment.
   * @throws {NebulaError} NEBULA_REQUEST_INVALID when it has failed.
   */
  activate(id: DeploymentId): Promise<DeploymentRecord> {
    const { state, functionName } = deployments;
    return this.#attempt("activate a deployment", async () => {
      // The first statement looks for the deployment itself, or it would retire the old one for nothing.
      const mayActivate = and(eq(deployments.id, id), ne(state, "failed"));
      const wanted = this.#db.select({ name: functionName }).from(deployments).where(mayActivate);
      const [, [row]] = await this.#db.batch([
        this.#db
          .update(deployments)
          .set({ state: "retired" })
          .where(and(eq(state, "active"), ne(deployments.id, id), sql`${functionName} = (${wanted})`)),
        this.#db.update(deployments).set({ state: "active" }).where(mayActivate).returning(),
      ]);
      return row === undefined ? this.#refuse("activate", id) : fromRow(row);
    });
  }

  /**
   * Notes why a ready deployment cannot become active.
   *
   * @throws {NebulaError} NEBULA_FUNCTION_NOT_FOUND when there is no such deployment.
   * @throws {NebulaError} NEBULA_REQUEST_INVALID when it is not ready.
   */
  fail(id: DeploymentId, failure: DeploymentFailure): Promise<void> {
    return this.#attempt("fail a deployment", async () => {
      const [row] = await this.#db
        .update(deployments)
        .set({ state: "failed", failureCode: failure.code, failureMessage: failure.message })
        .where(and(eq(deployments.id, id), eq(deployments.state, "ready")))
        .returning({ id: deployments.id });
      if (row === undefined) await this.#refuse("fail", id);
    });
  }

  /** The active deployment of every function that has one, by name. A damaged record costs its own function only. */
  listActive({ onDamaged }: { onDamaged(error: NebulaError): void }): Promise<DeploymentRecord[]> {
    return this.#attempt("list active deployments", async () => {
      const active = eq(deployments.state, "active");
      const rows = await this.#db.select().from(deployments).where(active).orderBy(deployments.functionName);
      return rows.flatMap((row) => {
        try {
          return [fromRow(row)];
        } catch (thrown) {
          onDamaged(toNebulaError(thrown));
          return [];
        }
      });
    });
  }

  /** Every function, by name. */
  listFunctions(): Promise<FunctionRecord[]> {
    return this.#attempt("list functions", async () => {
      const rows = await this.#db
        .select({ name: functions.name, createdAtMs: functions.createdAtMs, activeId: deployments.id })
        .from(functions)
        .leftJoin(deployments, and(eq(deployments.functionName, functions.name), eq(deployments.state, "active")))
        .orderBy(functions.name);
      return rows.map(({ activeId, ...known }) => (activeId === null ? known : { ...known, activeId }));
    });
  }

  /** The deployment that answers requests to this function. */
  findActive(name: string): Promise<DeploymentRecord | undefined> {
    return this.#findNewest(eq(deployments.functionName, name), eq(deployments.state, "active"));
  }

  /** A deployment by its id. */
  findDeployment(id: DeploymentId): Promise<DeploymentRecord | undefined> {
    return this.#findNewest(eq(deployments.id, id));
  }

  /** The newest deployment of a function with this content that has not failed: it need not be inserted again. */
  findByDigest(name: string, digest: Digest): Promise<DeploymentRecord | undefined> {
    const { functionName, state } = deployments;
    return this.#findNewest(eq(functionName, name), eq(deployments.digest, digest), ne(state, "failed"));
  }

  /** The newest deployments of a function, newest first. */
  listDeployments(name: string, options: { limit: number }): Promise<DeploymentRecord[]> {
    return this.#attempt("list deployments", async () => {
      const rows = this.#db.select().from(deployments).where(eq(deployments.functionName, name));
      return (await rows.orderBy(desc(deployments.seq)).limit(options.limit)).map(fromRow);
    });
  }

  /** Forgets a function, all its deployments and its secrets; whether there was anything. */
  remove(name: string): Promise<boolean> {
    return this.#attempt("remove a function", async () => {
      const removed = await this.#db.batch([
        this.#db.delete(functions).where(eq(functions.name, name)).returning({ name: functions.name }),
        this.#db.delete(secrets).where(eq(secrets.functionName, name)).returning({ name: secrets.functionName }),
      ]);
      return removed.some((rows) => rows.length > 0);
    });
  }

  /** Deletes all but the newest `keepPerFunction` of each function's retired and failed deployments; how many. */
  prune(options: { keepPerFunction: number }): Promise<number> {
    return this.#attempt("prune deployments", async () => {
      const old = sql`SELECT seq FROM (
        SELECT seq, row_number() OVER (PARTITION BY function_name ORDER BY seq DESC) AS age
        FROM ${deployments} WHERE state IN ('retired', 'failed')
      ) WHERE age > ${options.keepPerFunction}`;
      const inOld = sql`${deployments.seq} IN (${old})`;
      return (await this.#db.delete(deployments).where(inOld).returning({ seq: deployments.seq })).length;
    });
  }

  /** The digest of every blob that a deployment here names, whatever its state: what a sweep of artifacts must keep. */
  referencedDigests(): Promise<Set<Digest>> {
    return this.#attempt("list digests", () => listDigests(this.#db));
  }

  /** Copies the registry as it is at one moment to a new file, and the keys of that moment to another, where there are any. */
  copyTo({ path, keyPath }: { path: string; keyPath: string }): Promise<RegistryCopy> {
    return this.#attempt("copy the registry", async () => {
      // Both run to their end before anything else may: no change of the key comes between them.
      const copied = this.#client.exec(`VACUUM INTO '${path.replaceAll("'", "''")}'`);
      const hasKey = existsSync(this.#keyPath);
      if (hasKey) copyFileSync(this.#keyPath, keyPath);
      await copied;
      using client = new D1(path, { busyMs: BUSY_MS });
      return { digests: await listDigests(drizzle(client)), hasKey };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client[Symbol.dispose]();
  }

  #findNewest(...conditions: Parameters<typeof and>): Promise<DeploymentRecord | undefined> {
    return this.#attempt("find a deployment", async () => {
      const rows = this.#db
        .select()
        .from(deployments)
        .where(and(...conditions));
      const [row]: (DeploymentRow | undefined)[] = await rows.orderBy(desc(deployments.seq)).limit(1);
      return row && fromRow(row);
    });
  }

  /** Says why a change found no deployment that it could be made to. */
  async #refuse(action: string, id: DeploymentId): Promise<never> {
    const found = await this.findDeployment(id);
    if (found === undefined) {
      throw new NebulaError("NEBULA_FUNCTION_NOT_FOUND", `Cannot ${action} "${id}": there is no such deployment`);
    }
    throw new NebulaError("NEBULA_REQUEST_INVALID", `Cannot ${action} "${id}": its state is "${found.state}"`);
  }

  async #attempt<T>(action: string, run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      throw toRegistryError(action, this.#path, error);
    }
  }
}

/** Asked of the JSON itself, so that a new kind of artifact cannot be forgotten and lose its blobs. */
async function listDigests(db: DrizzleD1Database): Promise<Set<Digest>> {
  const rows = await db.values<[unknown]>(sql`
    SELECT DISTINCT found.value
    FROM ${deployments}, json_tree(json_array(
      json(${deployments.forms}), json(${deployments.assets}), json(${deployments.migrations}))) AS found
    WHERE found.key = 'digest' AND found.type = 'text'`);
  return new Set(rows.map(([digest]) => digest).filter(isDigest));
}
