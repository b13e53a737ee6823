/**
 * One live JavaScript function: an instance of the isolate engine, alone in its guest process.
 *
 *     blank ─▶ loaded ─▶ ended          many requests at once
 */

import { NebulaError } from "../../model/errors.ts";
import type { Call } from "../../model/exchange.ts";
import type { Clock, GuestLog } from "../../model/ports.ts";
import { formatMs } from "../../model/units.ts";
import type { FetchOptions, Instance, InstanceAnswer, Usage } from "../engine.ts";
import type { GuestProcess } from "../guest/guest-process.ts";
import { Invocations, type Tenant } from "../guest/invocations.ts";
import { type Broken, limitBroken, Meter, type Metered } from "../guest/meter.ts";
import type { LoadHead } from "../guest/protocol.ts";
import type { Watchdog } from "../guest/watchdog.ts";

/** What an isolate is made of. */
export interface IsolateParts {
  readonly guest: GuestProcess;
  readonly tenant: Tenant;
  readonly watchdog: Watchdog;
  readonly clock: Clock;
  readonly onBackgroundLog: GuestLog;
}

/** One live function in its guest process. */
export class Isolate implements Instance {
  readonly ended: Promise<NebulaError | undefined>;
  readonly #parts: IsolateParts;
  readonly #meter: Meter;
  readonly #watch: Disposable;
  readonly #invocations: Invocations;
  /** The limit that ended it, and who may have broken it. */
  #broken: Broken | undefined;

  constructor(parts: IsolateParts) {
    const { guest, tenant, watchdog, clock, onBackgroundLog } = parts;
    this.#parts = parts;
    const meter = new Meter({
      limits: tenant.spec.limits,
      blank: guest.findUsage() ?? { cpuMs: 0, memoryBytes: 0 },
      ping: () => guest.peer.call({ op: "ping" }, null).answer,
    });
    this.#meter = meter;
    this.#watch = watchdog.watch({
      get isBusy() {
        return meter.inFlight > 0;
      },
      look: () => this.#look(),
    });
    this.ended = guest.ending.then((reason) => {
      this.#watch[Symbol.dispose]();
      return reason;
    });
    const onHung = (reason: NebulaError) => guest.kill(reason);
    this.#invocations = new Invocations({ guest, meter, clock, onBackgroundLog, onHung });
    this.#invocations.admit(tenant);
  }

  /**
   * Sends the code and waits until its top level is evaluated. A failure ends the process.
   * @throws {NebulaError} NEBULA_START_FAILED with the guest's own words.
   */
  async load(head: LoadHead, { code, signal }: { code: Uint8Array; signal: AbortSignal }): Promise<void> {
    const { guest, tenant, clock } = this.#parts;
    const { name, limits } = tenant.spec;
    const what = `Cannot start "${name}"`;
    const metered = this.#meter.begin();
    const call = guest.peer.call(head, code);
    const cancel = (why: string) =>
      call.cancel(new NebulaError("NEBULA_START_FAILED", `${what}: ${why}`, { details: { function: name } }));
    using _timer = clock.after(limits.startMs, () =>
      cancel(`its top level took more than ${formatMs(limits.startMs)}`),
    );
    const onAbort = () => cancel("the start was cancelled");
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      await call.answer;
    } catch (thrown) {
      const error = await this.#invocations.explain(thrown, tenant, { code: "NEBULA_START_FAILED", what });
      await this[Symbol.asyncDispose]();
      throw error;
    } finally {
      signal.removeEventListener("abort", onAbort);
      metered.stop();
    }
  }

  async fetch(call: Call, options: FetchOptions): Promise<InstanceAnswer> {
    let metered: Metered | undefined;
    const onMetered = (given: Metered) => {
      metered = given;
    };
    try {
      return await this.#invocations.fetch(this.#parts.tenant, { call, ...options, onMetered });
    } catch (thrown) {
      throw this.#broken !== undefined && metered !== undefined ? this.#judge(thrown, metered, this.#broken) : thrown;
    }
  }

  async findUsage(): Promise<Usage | undefined> {
    return this.#parts.guest.findUsage();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watch[Symbol.dispose]();
    await this.#parts.guest.end();
  }

  /** What a request failed with, unless it is known that another one broke the limit that its process ended for. */
  #judge(thrown: unknown, metered: Metered, { limit, suspects }: Broken): unknown {
    const isOfLimit = thrown instanceof NebulaError && thrown.details.limit === limit;
    if (!isOfLimit || suspects.length === 0 || suspects.includes(metered)) return thrown;
    const { name } = this.#parts.tenant.spec;
    return new NebulaError(
      "NEBULA_GUEST_EXITED",
      `Cannot answer with "${name}": another request broke a limit in its instance`,
      { details: { function: name, isInnocent: true }, cause: thrown },
    );
  }

  #look(): void {
    const { guest, tenant } = this.#parts;
    const usage = guest.findUsage();
    const broken = usage && this.#meter.sample(usage);
    if (broken === undefined) return;
    this.#broken = broken;
    guest.kill(limitBroken(tenant.spec, broken.limit));
  }
}
