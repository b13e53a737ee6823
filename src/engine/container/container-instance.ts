/**
 * A live container that serves HTTP: an instance of the engine.
 *
 *     up ─▶ resting     given back while nothing went on in it: its container is kept
 *      └──▶ ended       it died, hung, or was given back while something went on: its container is removed
 */

import { type NebulaError, toNebulaError } from "../../model/errors.ts";
import type { Body, Call } from "../../model/exchange.ts";
import type { FunctionSpec } from "../../model/function.ts";
import type { Clock } from "../../model/ports.ts";
import type { FetchOptions, Instance, InstanceAnswer, StartReport, Usage } from "../engine.ts";
import { describeFailed, guestExited, wallBroken } from "../failures.ts";
import type { Container, Run } from "./container.ts";
import { toExitError } from "./exit-error.ts";
import { type HttpClient, openHttpClient } from "./http-client.ts";
import { isResponsive } from "./readiness.ts";

/** What an instance is made of. */
export interface ContainerInstanceParts {
  readonly container: Container;
  readonly run: Run;
  readonly host: string;
  readonly port: number;
  readonly spec: FunctionSpec;
  readonly clock: Clock;
  readonly started: StartReport;
  /** Takes a container that is whole and has nothing to do. */
  rest(container: Container, run: Run): Promise<void>;
  /** What the container uses, by way of Docker. */
  findUsage(container: Container): Promise<Usage | undefined>;
}

/** How long the end of a container may take to be known, once its connections broke. */
const EXIT_KNOWN_MS = 1_000;
/** How long one that let a request run out of time has for a sign of life. */
const SIGN_OF_LIFE_MS = 1_000;

/** One live container. */
export class ContainerInstance implements Instance {
  readonly ended: Promise<NebulaError | undefined>;
  readonly started: StartReport;
  readonly #parts: ContainerInstanceParts;
  readonly #client: HttpClient;
  readonly #ended = Promise.withResolvers<NebulaError | undefined>();
  readonly #closing = new AbortController();
  #inFlight = 0;
  #isOver = false;
  #looking: Promise<void> | undefined;
  #disposed: Promise<void> | undefined;

  constructor(parts: ContainerInstanceParts) {
    const { run, host, port, clock, started, spec } = parts;
    this.#parts = parts;
    this.started = started;
    this.ended = this.#ended.promise;
    this.#client = openHttpClient({ host, port, clock });
    void run.exit.then((exit) => this.#end(toExitError(exit, { spec, what: `Cannot go on with "${spec.name}"` })));
  }

  async fetch(call: Call, _options: FetchOptions): Promise<InstanceAnswer> {
    const { spec } = this.#parts;
    this.#inFlight += 1;
    const settled = Promise.withResolvers<void>();
    const settle = () => {
      this.#inFlight -= 1;
      settled.resolve();
    };
    try {
      const answer = await this.#client.fetch(call, spec);
      void answer.settled.then(settle);
      return { ...answer, body: this.#explained(answer.body), settled: settled.promise };
    } catch (thrown) {
      settle();
      throw await this.#explain(thrown, { hasHead: false });
    }
  }

  async findUsage(): Promise<Usage | undefined> {
    if (this.#isOver) return undefined;
    const { container } = this.#parts;
    return container.findUsage() ?? (await this.#parts.findUsage(container));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed ??= this.#dispose();
    await this.#disposed;
  }

  async #dispose(): Promise<void> {
    const { container, run, rest } = this.#parts;
    const isWhole = !this.#isOver && !run.isOver && this.#inFlight === 0 && this.#looking === undefined;
    this.#isOver = true;
    this.#closing.abort();
    await this.#client[Symbol.asyncDispose]();
    this.#ended.resolve(undefined);
    await (isWhole ? rest(container, run) : container.remove());
  }

  /** It answers no more: everything that is under way fails with the reason. */
  #end(reason: NebulaError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#closing.abort();
    this.#ended.resolve(reason);
    void this.#client[Symbol.asyncDispose]();
    void this.#parts.container.remove();
  }

  /** Why a request failed, as far as more is known of it than that its connection broke. */
  async #explain(thrown: unknown, { hasHead }: { hasHead: boolean }): Promise<NebulaError> {
    const { spec, clock } = this.#parts;
    const error = toNebulaError(thrown);
    if (error.code === "NEBULA_WALL_LIMIT") void this.#lookAfter();
    if (error.code !== "NEBULA_GUEST_EXITED") return error;
    const known = Promise.withResolvers<undefined>();
    using _timer = clock.after(EXIT_KNOWN_MS, () => known.resolve(undefined));
    const reason = await Promise.race([this.#disposed === undefined ? this.ended : undefined, known.promise]);
    if (reason === undefined) return error;
    if (reason.code !== "NEBULA_GUEST_EXITED") return reason;
    return guestExited(spec, `${describeFailed(spec.name, { hasHead })}: ${toWhy(reason)}`, reason);
  }

  /** One that has hung takes requests without end, and answers none. */
  #lookAfter(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #look(): Promise<void> {
    const { host, port, clock, spec } = this.#parts;
    const { signal } = this.#closing;
    if (await isResponsive({ host, port, clock, signal, limitMs: SIGN_OF_LIFE_MS })) return;
    if (!signal.aborted) this.#end(wallBroken(spec));
  }

  #explained(body: Body): Body {
    if (!(body instanceof ReadableStream)) return body;
    const reader = body.getReader();
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const next = await reader.read().catch((error: unknown) => ({ error }));
          if ("error" in next) throw await this.#explain(next.error, { hasHead: true });
          if (next.done) controller.close();
          else controller.enqueue(next.value);
        },
        cancel: (reason) => reader.cancel(reason),
      },
      { highWaterMark: 0 },
    );
  }
}

/** What comes behind the colon. */
function toWhy({ message }: NebulaError): string {
  return message.slice(message.indexOf(": ") + 2);
}
