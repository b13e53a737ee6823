/**
 * STORY 2: a folder becomes a function that serves. One half runs with the author, the other on the node.
 *
 *     author   build      sources ─▶ artifact and assets         NEBULA_BUILD_FAILED
 *              upload     only the blobs that the node lacks
 *     node     insert     into the registry: ready               NEBULA_ARTIFACT_INVALID
 *              prepare    the engine tries it                    NEBULA_PREPARE_FAILED
 *              migrate    what its databases lack                NEBULA_MIGRATION_FAILED
 *              activate   registry and router: the only moment traffic moves
 *              drain      the old deployment, then its instances go
 *
 * `prepare` comes before the switch, so a broken deployment never receives a request.
 */

import type { Artifacts } from "./artifacts/artifacts.ts";
import { digestOfJson } from "./artifacts/digest.ts";
import type { BlobSource } from "./build/blob-source.ts";
import type { Built } from "./build/built.ts";
import type { Builder } from "./build/run.ts";
import { type LiveFunction, type LiveParts, openLiveFunction } from "./live-function.ts";
import { listChanged, type Migrator, readMigrations } from "./migrate.ts";
import type { Digest } from "./model/artifact.ts";
import type { DeployAnswer, StepDone } from "./model/control.ts";
import { type Deployment, type DeploymentInput, listBlobs } from "./model/deployment.ts";
import { NebulaError, toNebulaError } from "./model/errors.ts";
import type { FunctionSpec } from "./model/function.ts";
import { checkSecrets, type SecretPlace, type SecretValues } from "./model/secrets.ts";
import { Turns } from "./model/turns.ts";
import type { Registry } from "./registry/registry.ts";
import { findRouteConflicts } from "./router/route-table.ts";
import type { Router } from "./router/router.ts";

// ── with the author ──────────────────────────────────────────────────────────────────────────────────────

/** The node as an author reaches it; a client of the control API is one. */
export interface DeployTarget {
  missing(digests: readonly Digest[], options: { signal: AbortSignal }): Promise<readonly Digest[]>;
  put(digest: Digest, source: BlobSource, options: { signal: AbortSignal }): Promise<void>;
  deploy(input: DeploymentInput, options: { signal: AbortSignal; secrets?: SecretValues }): Promise<DeployAnswer>;
}

/** With what an author builds, and where it goes. */
export interface DeployOptions {
  readonly target: DeployTarget;
  readonly builder: Builder;
  readonly signal: AbortSignal;
  /** All that the function is to have; unless given, it keeps those that it has. */
  readonly secrets?: SecretValues;
  readonly onStep?: (done: StepDone) => void;
  readonly onOutput?: (text: string) => void;
  /** Told before anything is sent which forms the deployment goes without. */
  readonly onBuilt?: (built: Built) => void;
}

/** Blobs on their way to the node at once. */
const UPLOADS = 4;

/**
 * Builds a function and has a node activate it. When it rejects, what served before serves on.
 *
 * @throws {NebulaError} NEBULA_BUILD_FAILED with the step's name, or what the node refused it with.
 */
export async function deployProject(spec: FunctionSpec, options: DeployOptions): Promise<DeployAnswer> {
  const { target, builder, signal, secrets, onStep, onOutput, onBuilt } = options;
  const built = await builder.build({ signal, ...(onStep && { onStep }), ...(onOutput && { onOutput }) });
  onBuilt?.(built);
  const startedAtMs = performance.now();
  const missing = await target.missing([...built.blobs.keys()], { signal });
  const queue = [...missing];
  const upload = async () => {
    for (let digest = queue.shift(); digest !== undefined; digest = queue.shift()) {
      signal.throwIfAborted();
      const source = built.blobs.get(digest);
      if (source !== undefined) await target.put(digest, source, { signal });
    }
  };
  await Promise.all(Array.from({ length: UPLOADS }, upload));
  onStep?.({ step: "upload", ms: performance.now() - startedAtMs });
  const { forms, assets, migrations } = built;
  const input = { spec, forms, ...(assets !== undefined && { assets }), ...(migrations && { migrations }) };
  const answer = await target.deploy(input, { signal, ...(secrets && { secrets }) });
  for (const step of answer.steps) onStep?.(step);
  return answer;
}

// ── on the node ──────────────────────────────────────────────────────────────────────────────────────────

/** What the node's half works with. */
export interface DeployParts extends LiveParts {
  readonly artifacts: Artifacts;
  readonly registry: Registry;
  readonly migrator: Migrator;
  readonly router: Router<LiveFunction>;
  /** How long a replaced deployment may go on with what it has in flight. */
  readonly drainMs: number;
}

/** Deployments kept of each function, to go back to. */
const KEPT_PER_FUNCTION = 10;
/** Blobs that nothing names are removed in steps of this, and not before: a deployment on its way may name them yet. */
const SWEEP_MS = 600_000;
/** The turn that all functions share; no function has this name. */
const ACTIVATION = "*";

/** Takes deployments, one after the other for each function. */
export class Deployer implements AsyncDisposable {
  readonly #parts: DeployParts;
  readonly #turns = new Turns();
  readonly #draining = new Set<Promise<void>>();
  readonly #closing = new AbortController();
  #sweeping: Disposable | undefined;

  constructor(parts: DeployParts) {
    this.#parts = parts;
  }

  /**
   * Activates a deployment whose blobs are here. `secrets`, where given, take the place of all that the function has.
   *
   * @throws {NebulaError} NEBULA_ARTIFACT_INVALID when a blob is missing, NEBULA_CONFIG_INVALID when a route is taken or
   * a secret is missing, NEBULA_PREPARE_FAILED when no engine can run it, NEBULA_MIGRATION_FAILED.
   */
  async deploy(input: DeploymentInput, options: { secrets?: SecretValues } = {}): Promise<DeployAnswer> {
    return await this.#turns.take(input.spec.name, () => this.#deploy(input, options.secrets));
  }

  /**
   * Gives a function a secret; whether a deployment serves with it now. One that does not start with it keeps the value
   * of before.
   *
   * @throws {NebulaError} NEBULA_CONFIG_INVALID when another binding has the name, and what `deploy` throws.
   */
  async putSecret({ functionName, name }: SecretPlace, value: string): Promise<boolean> {
    return await this.#turns.take(functionName, async () => {
      const others = await this.#parts.registry.secrets.read(functionName, { but: name });
      return await this.#renew(functionName, { ...others, [name]: value });
    });
  }

  /** Takes a secret away, as `putSecret` gives it; `false` when there is none. */
  async removeSecret(place: SecretPlace): Promise<boolean> {
    const { functionName, name } = place;
    const { secrets } = this.#parts.registry;
    return await this.#turns.take(functionName, async () => {
      if (!(await secrets.list(functionName)).some((each) => each.name === name)) return false;
      const others = await secrets.read(functionName).catch(ignoreUnreadable);
      // Where one cannot be opened nothing can be started, and deleting is the way out.
      if (others === undefined) return await secrets.remove(place);
      await this.#checkUnused(place);
      const { [name]: _, ...rest } = others;
      await this.#renew(functionName, rest);
      return true;
    });
  }

  /** Takes a function out of service and out of the registry; `false` when there is none. */
  async remove(name: string): Promise<boolean> {
    return await this.#turns.take(name, async () => {
      const wasKnown = await this.#parts.registry.remove(name);
      this.#retire(this.#parts.router.remove(name));
      return wasKnown;
    });
  }

  /** Brings back what was active when the node stopped. What cannot be prepared is logged and left out. */
  async restore(): Promise<void> {
    const { registry, log } = this.#parts;
    const onDamaged = ({ code, message }: NebulaError) =>
      log.write("error", "function not restored", { code, error: message });
    const restored = (await registry.listActive({ onDamaged })).map(async (deployment) => {
      try {
        const live = await this.#open(deployment, { isProven: true });
        this.#route(deployment, live);
      } catch (thrown) {
        const { code, message } = toNebulaError(thrown);
        log.write("error", "function not restored", {
          function: deployment.spec.name,
          deployment: deployment.id,
          code,
          error: message,
        });
      }
    });
    await Promise.all(restored);
  }

  /** Ends every function, when it has finished what it has in flight or its time is up. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new NebulaError("NEBULA_DRAINING", "Cannot deploy: the node is stopping"));
    this.#sweeping?.[Symbol.dispose]();
    await this.#turns.settled();
    const { router } = this.#parts;
    for (const name of [...router.entries.keys()]) this.#retire(router.remove(name));
    await Promise.all(this.#draining);
  }

  async #deploy(input: DeploymentInput, given: SecretValues | undefined): Promise<DeployAnswer> {
    const { registry, router, artifacts } = this.#parts;
    this.#closing.signal.throwIfAborted();
    const { name } = input.spec;
    const digest = digestOfJson(input);
    const active = router.entries.get(name)?.target.deployment;
    if (active?.digest === digest && (given === undefined || (await this.#hasSecrets(name, given))))
      return { deployment: { ...active, state: "active" }, isNew: false, steps: [] };

    const steps: StepDone[] = [];
    const step = async <T>(word: string, run: () => Promise<T>): Promise<T> => {
      const startedAtMs = this.#parts.clock.nowMs();
      const result = await run();
      steps.push({ step: word, ms: this.#parts.clock.nowMs() - startedAtMs });
      return result;
    };
    this.#checkRoutes(input.spec);
    const secrets = given ?? (await registry.secrets.read(name));
    checkSecrets(input.spec, Object.keys(secrets));
    const deployment = await step("insert", async () => {
      await artifacts.check(listBlobs(input));
      return (await registry.findByDigest(name, digest)) ?? (await registry.insert(input, digest));
    });
    const live = await step("prepare", () => this.#prepare(deployment, secrets));
    if (input.migrations !== undefined) await step("migrate", () => this.#migrate(deployment, live));
    const warnings = [...(live.chain?.listLeftOut() ?? []), ...toChangedWarnings(active, input)];
    const activated = await step("activate", () =>
      this.#activate(live, async () => {
        if (given !== undefined) await registry.secrets.replace(name, given);
        return await registry.activate(deployment.id);
      }),
    );
    if ((await registry.prune({ keepPerFunction: KEPT_PER_FUNCTION })) > 0) this.#scheduleSweep();
    return { deployment: activated, isNew: true, steps, ...(warnings.length > 0 && { warnings }) };
  }

  /** The only moment traffic moves. One function at a time, or two could take one route. */
  async #activate(live: LiveFunction, commit: () => Promise<Deployment>): Promise<Deployment> {
    return await this.#turns.take(ACTIVATION, async () => {
      try {
        this.#checkRoutes(live.deployment.spec);
        const activated = await commit();
        this.#retire(this.#route(activated, live));
        return activated;
      } catch (thrown) {
        await live[Symbol.asyncDispose]();
        throw thrown;
      }
    });
  }

  /** Has a function serve with other secrets, and keeps them; whether it serves at all. */
  async #renew(name: string, secrets: SecretValues): Promise<boolean> {
    const { registry } = this.#parts;
    this.#closing.signal.throwIfAborted();
    const deployment = await registry.findActive(name);
    if (deployment === undefined) {
      await registry.secrets.replace(name, secrets);
      return false;
    }
    const live = await this.#open(deployment, { isProven: false, secrets });
    await this.#activate(live, async () => {
      await registry.secrets.replace(name, secrets);
      return deployment;
    });
    return true;
  }

  async #checkUnused({ functionName, name }: SecretPlace): Promise<void> {
    const active = await this.#parts.registry.findActive(functionName);
    if (!active?.spec.bindings.some((each) => each.type === "secret" && each.name === name)) return;
    throw new NebulaError(
      "NEBULA_CONFIG_INVALID",
      `Cannot delete the secret "${name}": the configuration of "${functionName}" requires it`,
      { hint: "Take it out of secrets.required and deploy, or put another value" },
    );
  }

  async #hasSecrets(name: string, values: SecretValues): Promise<boolean> {
    const known = await this.#parts.registry.secrets.read(name);
    const names = Object.keys(values);
    return names.length === Object.keys(known).length && names.every((each) => known[each] === values[each]);
  }

  async #open(
    deployment: Deployment,
    { isProven, secrets }: { isProven: boolean; secrets?: SecretValues },
  ): Promise<LiveFunction> {
    const values = secrets ?? (await this.#parts.registry.secrets.read(deployment.spec.name));
    return await openLiveFunction(deployment, this.#parts, {
      signal: this.#closing.signal,
      isProven,
      secrets: values,
    });
  }

  async #prepare(deployment: Deployment, secrets: SecretValues): Promise<LiveFunction> {
    try {
      return await this.#open(deployment, { isProven: false, secrets });
    } catch (thrown) {
      const { code, message } = toNebulaError(thrown);
      // One that has served before has its place in the history already.
      if (deployment.state === "ready") await this.#parts.registry.fail(deployment.id, { code, message });
      throw thrown;
    }
  }

  /** After `prepare`: nothing is changed for a function that does not start. */
  async #migrate(deployment: Deployment, live: LiveFunction): Promise<void> {
    const { migrator, blobs, registry } = this.#parts;
    try {
      for (const each of deployment.migrations ?? []) {
        await migrator.apply(await readMigrations(each, blobs), { signal: this.#closing.signal });
      }
    } catch (thrown) {
      await live[Symbol.asyncDispose]();
      const { code, message } = toNebulaError(thrown);
      if (deployment.state === "ready") await registry.fail(deployment.id, { code, message });
      throw thrown;
    }
  }

  #route(deployment: Deployment, live: LiveFunction): LiveFunction | undefined {
    const { name, routes } = deployment.spec;
    return this.#parts.router.replace({ name, routes, target: live });
  }

  /** Lets a deployment finish what it has in flight, and ends it when its time is up. */
  #retire(live: LiveFunction | undefined): void {
    if (live === undefined) return;
    const { clock, drainMs, log } = this.#parts;
    const onError = (thrown: unknown) => {
      const { code, message } = toNebulaError(thrown);
      log.write("error", "function not ended cleanly", { function: live.deployment.spec.name, code, error: message });
    };
    const drain = async () => {
      using _timer = clock.after(drainMs, () => void live[Symbol.asyncDispose]().then(undefined, onError));
      await live.drain().catch(onError);
    };
    const draining = drain().finally(() => this.#draining.delete(draining));
    this.#draining.add(draining);
  }

  /** Removes blobs that no deployment names any more. */
  async sweep(): Promise<void> {
    const { registry, artifacts, clock, log } = this.#parts;
    try {
      const swept = await artifacts.sweep(await registry.referencedDigests(), {
        writtenBeforeMs: clock.dateMs() - SWEEP_MS,
      });
      if (swept.count > 0) log.write("info", "artifacts swept", { ...swept });
    } catch (thrown) {
      const { code, message } = toNebulaError(thrown);
      log.write("error", "artifacts not swept", { code, error: message });
    }
  }

  #scheduleSweep(): void {
    if (this.#closing.signal.aborted) return;
    this.#sweeping ??= this.#parts.clock.after(SWEEP_MS, () => {
      this.#sweeping = undefined;
      void this.sweep();
    });
  }

  #checkRoutes({ name, routes }: FunctionSpec): void {
    const others = [...this.#parts.router.entries.values()].filter((entry) => entry.name !== name);
    const [conflict] = findRouteConflicts([...others, { name, routes }]).filter(({ names }) => names.includes(name));
    if (conflict === undefined) return;
    const other = conflict.names.find((each) => each !== name) ?? name;
    throw new NebulaError(
      "NEBULA_CONFIG_INVALID",
      `Cannot activate "${name}": the route "${conflict.pattern}" belongs to "${other}"`,
      {
        hint: "take the route from one of the two",
      },
    );
  }
}

function ignoreUnreadable(thrown: unknown): undefined {
  if (toNebulaError(thrown).code !== "NEBULA_STATE_FAILED") throw thrown;
}

/** wrangler ignores them without a word. */
function toChangedWarnings(active: Deployment | undefined, { migrations }: DeploymentInput): string[] {
  return listChanged(active?.migrations, migrations).map(
    ({ database, name }) =>
      `the migration "${name}" of "${database}" has changed since it was applied, and is not applied again`,
  );
}
