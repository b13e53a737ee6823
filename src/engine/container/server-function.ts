/**
 * A deployment whose image serves HTTP: a container for each instance.
 *
 *     start     thaw ─ or ─ start, ready ─ or ─ create, start, ready
 */

import { NebulaError, toNebulaError } from "../../model/errors.ts";
import type { FunctionSpec } from "../../model/function.ts";
import { formatMs } from "../../model/units.ts";
import type { Instance, Prepared, RestingCounts } from "../engine.ts";
import type { Container, Run } from "./container.ts";
import { ContainerInstance } from "./container-instance.ts";
import type { ContainerNode } from "./container-node.ts";
import { isUserNumber, toServerEnv, toSettings, toUser } from "./container-options.ts";
import { describeExit } from "./exit-error.ts";
import { FunctionImage, type FunctionImageParts } from "./function-image.ts";
import { getPort, type ImageFacts } from "./image-facts.ts";
import { findUid, isDoomed } from "./process-status.ts";
import { findListening, waitUntilReady } from "./readiness.ts";
import { Shelf, type Taken } from "./shelf.ts";
import { toStartFailed } from "./start-failed.ts";
import { findStats } from "./stats.ts";
import { rootByName } from "./user-names.ts";

/** An image that can be run, and where it serves. */
interface Served {
  readonly facts: ImageFacts;
  readonly port: number;
}

/** Milliseconds of each part of a start. */
type Phases = Record<string, number>;

/** One deployment and its containers. */
export class ServerFunction implements Prepared {
  readonly #node: ContainerNode;
  readonly #spec: FunctionSpec;
  readonly #image: FunctionImage;
  readonly #shelf: Shelf;

  constructor(node: ContainerNode, parts: FunctionImageParts) {
    const { spec } = parts;
    const { stopMs, removeMs } = toSettings(spec);
    const { clock, log } = node.parts;
    this.#node = node;
    this.#spec = spec;
    this.#image = new FunctionImage(node, parts);
    this.#shelf = new Shelf({ stopMs, removeMs, clock, log });
  }

  get resting(): RestingCounts {
    return this.#shelf.counts;
  }

  /** Has the image, and knows where it serves. @throws {NebulaError} when it cannot run here. */
  async ensure(options: { signal: AbortSignal }): Promise<Served> {
    const { name } = this.#spec;
    const facts = await this.#image.ensure(options);
    return { facts, port: getPort(facts, { name, settings: toSettings(this.#spec) }) };
  }

  /** Starts one, which then rests until the first request comes. */
  async tryOut(options: { signal: AbortSignal }): Promise<void> {
    await using _trial = await this.start(options);
  }

  async start({ signal }: { signal: AbortSignal }): Promise<Instance> {
    try {
      for (let taken = this.#shelf.take(); taken !== undefined; taken = this.#shelf.take()) {
        const instance = await this.#wake(taken, { signal });
        if (instance !== undefined) return instance;
      }
      return await this.#image.use(() => this.#startNew({ signal }));
    } catch (thrown) {
      throw toStartFailed(thrown, this.#spec);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#image[Symbol.dispose]();
    await this.#shelf[Symbol.asyncDispose]();
  }

  /** One that rests; nothing when it cannot be woken, and is gone. */
  async #wake(taken: Taken<Container, Run>, { signal }: { signal: AbortSignal }): Promise<Instance | undefined> {
    const { clock, log } = this.#node.parts;
    const { container } = taken;
    const phases: Phases = {};
    try {
      if (taken.run === undefined) return await this.#run(container, { phases, signal });
      const { run } = taken;
      const startedAtMs = clock.nowMs();
      const isLost = isDoomed(run.pid);
      await container.thaw();
      phases.thaw = clock.nowMs() - startedAtMs;
      const { port } = await this.ensure({ signal });
      if (signal.aborted) throw startFailed("the start was cancelled", run);
      if (!isLost && !run.isOver) return this.#toInstance(container, { run, port, kind: "thaw", phases });
    } catch (thrown) {
      if (signal.aborted) {
        await container.remove();
        throw thrown;
      }
      const { code, message } = toNebulaError(thrown);
      log.write("info", "a container that rested cannot go on", { function: this.#spec.name, code, reason: message });
    }
    void container.remove();
    return undefined;
  }

  async #startNew({ signal }: { signal: AbortSignal }): Promise<Instance> {
    const { clock } = this.#node.parts;
    const spec = this.#spec;
    const { facts: image, port } = await this.ensure({ signal });
    const startedAtMs = clock.nowMs();
    const reach = spec.outbound.includes("*") ? "outside" : "inside";
    const env = toServerEnv(spec, port);
    const container = await this.#node.create({ spec, image, env, hasInput: false, reach }, { signal });
    const phases: Phases = { create: clock.nowMs() - startedAtMs };
    try {
      return await this.#run(container, { phases, signal });
    } catch (thrown) {
      await container.remove();
      throw thrown;
    }
  }

  /** Starts a container and waits until it is ready. */
  async #run(
    container: Container,
    { phases, signal }: { phases: Phases; signal: AbortSignal },
  ): Promise<ContainerInstance> {
    const { clock } = this.#node.parts;
    const startedAtMs = clock.nowMs();
    const { facts, port } = await this.ensure({ signal });
    const run = await container.start({ signal });
    this.#checkUser(run, facts);
    const upAtMs = clock.nowMs();
    phases.start = upAtMs - startedAtMs;
    await this.#whenReady(run, { port, signal });
    phases.ready = clock.nowMs() - upAtMs;
    return this.#toInstance(container, { run, port, kind: "cold", phases });
  }

  /** A name in an image may well be root's. */
  #checkUser({ pid, isOver }: Run, image: ImageFacts): void {
    const user = toUser(image, toSettings(this.#spec));
    if (isUserNumber(user) || isOver || pid === 0) return;
    const uid = findUid(pid);
    if (uid !== undefined && uid !== 0) return;
    throw rootByName(user, uid === 0 ? "is root" : "cannot be told to be another than root");
  }

  async #whenReady(run: Run, { port, signal }: { port: number; signal: AbortSignal }): Promise<void> {
    const { clock } = this.#node.parts;
    const { startMs } = this.#spec.limits;
    const stop = new AbortController();
    using _timer = clock.after(startMs, () => stop.abort());
    const onAbort = () => stop.abort();
    signal.addEventListener("abort", onAbort, { once: true });
    const { address: host } = run;
    const { probe: path } = toSettings(this.#spec);
    try {
      // One that has ended at once has no address; that it has ended is known a moment later.
      const ready = host === undefined ? undefined : waitUntilReady({ host, port, path, clock, signal: stop.signal });
      const first = await Promise.race([ready ?? whenAborted(stop.signal, "it has no address"), run.exit]);
      if (signal.aborted) throw startFailed("the start was cancelled", run);
      if (typeof first === "object" || run.isOver) throw startFailed(await describeEnd(run), run);
      if (first !== true) {
        throw startFailed(`${first} on port ${port} within ${formatMs(startMs)}${toGuess(run, port)}`, run);
      }
    } finally {
      stop.abort();
      signal.removeEventListener("abort", onAbort);
    }
  }

  #toInstance(
    container: Container,
    { run, port, kind, phases }: { run: Run; port: number; kind: "cold" | "thaw"; phases: Phases },
  ): ContainerInstance {
    return new ContainerInstance({
      container,
      run,
      host: run.address ?? "",
      port,
      spec: this.#spec,
      clock: this.#node.parts.clock,
      started: { kind, phases },
      rest: (rested, its) => this.#shelf.put(rested, its),
      findUsage: ({ id }) => findStats(this.#node.docker, id),
    });
  }
}

async function whenAborted(signal: AbortSignal, why: string): Promise<string> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  return why;
}

async function describeEnd(run: Run): Promise<string> {
  const exit = await run.exit;
  if (exit.wasOutOfMemory) return "it holds more than its memory limit before it is ready";
  return `its container ended (${describeExit(exit)}) before it was ready`;
}

/** Where it listens instead, if it does. */
function toGuess({ pid }: Run, port: number): string {
  const found = findListening(pid);
  if (found.some((each) => each.port === port && each.isLocal)) return " (it listens on its own 127.0.0.1 alone)";
  const open = found.filter(({ isLocal }) => !isLocal);
  const ports = [...new Set(open.map((each) => each.port))].sort((a, b) => a - b);
  return ports.length === 0 ? "" : ` (it listens on ${ports.join(", ")})`;
}

/** With the last that it printed, which mostly says more than we know. */
function startFailed(why: string, { tail }: Run): NebulaError {
  const printed = tail === "" ? "" : `. The last that it printed:\n${tail}`;
  return new NebulaError("NEBULA_START_FAILED", `${why}${printed}`);
}
