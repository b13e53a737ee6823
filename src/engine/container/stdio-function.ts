/**
 * A deployment whose image is a plain program: one container for each request, and nothing kept between them. Making
 * one takes some milliseconds of the whole, so that none is made ahead.
 */

import { NebulaError } from "../../model/errors.ts";
import type { Call } from "../../model/exchange.ts";
import { type FunctionSpec, toTextVars } from "../../model/function.ts";
import { toStdio } from "../../model/stdio.ts";
import { formatMs } from "../../model/units.ts";
import type { FetchOptions, Instance, InstanceAnswer, Prepared } from "../engine.ts";
import { clientGone, instanceStopped } from "../failures.ts";
import type { Container } from "./container.ts";
import type { ContainerNode } from "./container-node.ts";
import { toSettings, toUser } from "./container-options.ts";
import { startContainer } from "./containers.ts";
import { FunctionImage, type FunctionImageParts } from "./function-image.ts";
import type { ImageFacts } from "./image-facts.ts";
import { Slots } from "./slots.ts";
import { toStartFailed } from "./start-failed.ts";
import { StdioRun } from "./stdio-run.ts";
import { checkUserName } from "./user-names.ts";

/**
 * Query parameters that become variables of the program. Those that loaders and runtimes listen to are written in
 * capitals (`LD_PRELOAD`, `NODE_OPTIONS`), but for the proxies: what a caller says must not become one of them.
 */
const SAFE_VARIABLE = /^(?![a-z_]*_proxy$)[a-z_][a-z0-9_]*$/;

/** One deployment. */
export class StdioFunction implements Prepared {
  readonly #node: ContainerNode;
  readonly #spec: FunctionSpec;
  readonly #image: FunctionImage;
  /** As many containers at once as an HTTP function would have instances. */
  readonly #slots: Slots;
  readonly #closing = new AbortController();
  /** The image whose user is known not to be root. */
  #checked: string | undefined;

  constructor(node: ContainerNode, parts: FunctionImageParts) {
    const { spec } = parts;
    this.#node = node;
    this.#spec = spec;
    this.#image = new FunctionImage(node, parts);
    this.#slots = new Slots(Math.max(1, spec.scaling.maxInstances), node.parts.clock);
  }

  /** Has the image and checks it. @throws {NebulaError} when it cannot run here. */
  async ensure(options: { signal: AbortSignal }): Promise<ImageFacts> {
    return await this.#image.ensure(options);
  }

  /** Sees that it can be started; what it says to an empty request is its own affair. */
  async tryOut({ signal }: { signal: AbortSignal }): Promise<void> {
    const url = new URL("http://localhost/");
    const head = { method: "GET", url: url.href, headers: [] };
    const { container } = await this.#create({ head, body: null, signal }, { url, signal });
    try {
      await startContainer(this.#node.docker, container.id, { signal });
    } finally {
      await container.remove();
    }
  }

  async start({ signal }: { signal: AbortSignal }): Promise<Instance> {
    await this.ensure({ signal });
    const runs = new Set<StdioRun>();
    const { promise: ended, resolve } = Promise.withResolvers<undefined>();
    let isOver = false;
    return {
      ended,
      fetch: async (call, options) => {
        if (isOver) throw instanceStopped(this.#spec);
        return await this.#fetch(call, options, runs);
      },
      [Symbol.asyncDispose]: async () => {
        isOver = true;
        for (const run of runs) run.break(instanceStopped(this.#spec));
        resolve(undefined);
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.#image[Symbol.dispose]();
  }

  async #fetch(call: Call, options: FetchOptions, runs: Set<StdioRun>): Promise<InstanceAnswer> {
    const { clock } = this.#node.parts;
    const spec = this.#spec;
    const { wallMs } = spec.limits;
    if (call.signal.aborted) throw clientGone("response");
    const arrivedAtMs = clock.nowMs();
    const slot = await this.#slots.take({ signal: call.signal, limitMs: wallMs });
    if (slot === "gone") throw clientGone("response");
    if (slot === "late") throw overloaded(spec);
    const beganAtMs = clock.nowMs();
    let run: StdioRun | undefined;
    try {
      const url = new URL(call.head.url);
      // Not taken back by whoever leaves: its place is free again when its container is gone.
      const { container, input } = await this.#create(call, { url, signal: this.#closing.signal });
      const { docker } = this.#node;
      const createdAtMs = clock.nowMs();
      const leftMs = Math.max(0, wallMs - (createdAtMs - arrivedAtMs));
      run = new StdioRun({ ...options, docker, container, spec, clock, call, input, wallMs: leftMs });
      this.#follow(run, { runs, slot });
      const answer = await run.run();
      return {
        ...answer,
        phases: { queueMs: beganAtMs - arrivedAtMs, startMs: createdAtMs - beganAtMs + run.startMs },
      };
    } catch (thrown) {
      if (run === undefined) slot[Symbol.dispose]();
      throw thrown;
    }
  }

  #follow(run: StdioRun, { runs, slot }: { runs: Set<StdioRun>; slot: Disposable }): void {
    runs.add(run);
    void run.whenOver.then(() => {
      runs.delete(run);
      slot[Symbol.dispose]();
    });
  }

  async #create(
    call: Call,
    { url, signal }: { url: URL; signal: AbortSignal },
  ): Promise<{ container: Container; input: string | undefined }> {
    const spec = this.#spec;
    try {
      return await this.#image.use(async () => {
        const image = await this.ensure({ signal });
        const program = toSettings(spec).args ?? image.args;
        const vars = toTextVars(spec.bindings);
        const { args, env, input } = toStdio({ head: call.head, url, args: program, vars, variable: SAFE_VARIABLE });
        const reach = spec.outbound.includes("*") ? "outside" : "nothing";
        const container = await this.#node.create({ spec, image, args, env, hasInput: true, reach }, { signal });
        await this.#checkUser(container, image, { signal });
        return { container, input };
      });
    } catch (thrown) {
      if (call.signal.aborted) throw clientGone("response");
      throw toStartFailed(thrown, spec);
    }
  }

  /** Programs may be over before anybody sees who they are: so that is read from their image, once. */
  async #checkUser(container: Container, image: ImageFacts, { signal }: { signal: AbortSignal }): Promise<void> {
    if (this.#checked === image.id) return;
    try {
      const user = toUser(image, toSettings(this.#spec));
      await checkUserName(this.#node.docker, { container: container.id, user, signal });
      this.#checked = image.id;
    } catch (thrown) {
      await container.remove();
      throw thrown;
    }
  }
}

function overloaded({ name, scaling, limits }: FunctionSpec): NebulaError {
  return new NebulaError(
    "NEBULA_OVERLOADED",
    `Cannot take a request for "${name}": its ${scaling.maxInstances} containers were busy for ${formatMs(limits.wallMs)}`,
    { details: { function: name } },
  );
}
