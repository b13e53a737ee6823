/**
 * Time: none while the function is built, the host's while it answers.
 */

import type { Host } from "./host.ts";

/** What `Date` and `performance` read. */
export class Clock {
  #host: Host | undefined;
  #origin: { readonly ms: number; readonly ns: number } | undefined;

  connect(host: Host): void {
    this.#host = host;
    this.#origin = undefined;
  }

  /** Milliseconds since 1970; 0 while the function is built. */
  wallMs(): number {
    if (this.#host === undefined) return 0;
    const { seconds, nanoseconds } = this.#host.wall.now();
    return seconds * 1_000 + Math.floor(nanoseconds / 1e6);
  }

  /** Milliseconds since somebody first asked. */
  readonly elapsedMs = (): number => {
    const host = this.#host;
    if (host === undefined) return 0;
    const { ns } = this.#begin(host);
    return (host.monotonic.now() - ns) / 1e6;
  };

  get originMs(): number {
    return this.#host === undefined ? 0 : this.#begin(this.#host).ms;
  }

  #begin(host: Host): { readonly ms: number; readonly ns: number } {
    this.#origin ??= { ms: this.wallMs(), ns: host.monotonic.now() };
    return this.#origin;
  }
}

/** A `Date` whose now is the clock's; it shares the prototype of the engine's, so that `instanceof` holds. */
export function createDate(clock: Clock): DateConstructor {
  const Native = Date;
  const now = () => clock.wallMs();
  function NebulaDate(...args: unknown[]): unknown {
    if (new.target === undefined) return new Native(now()).toString();
    return Reflect.construct(Native, args.length === 0 ? [now()] : args, new.target);
  }
  Object.defineProperties(NebulaDate, {
    name: { value: "Date", configurable: true },
    length: { value: 7, configurable: true },
    prototype: { value: Native.prototype },
    now: { value: now, writable: true, configurable: true },
    parse: { value: Native.parse, writable: true, configurable: true },
    UTC: { value: Native.UTC, writable: true, configurable: true },
  });
  Object.defineProperty(Native.prototype, "constructor", { value: NebulaDate, writable: true, configurable: true });
  return fromFunction(NebulaDate);
}

/** `performance`: time since the request began, and marks that nobody collects. */
export function createPerformance(clock: Clock): object {
  return {
    now: clock.elapsedMs,
    get timeOrigin() {
      return clock.originMs;
    },
    mark: () => {},
    measure: () => {},
    toJSON: () => ({ timeOrigin: clock.originMs }),
  };
}

function fromFunction(made: unknown): DateConstructor {
  return made as DateConstructor;
}
