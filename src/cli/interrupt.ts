/**
 * What ends a run from outside: the first signal asks, a later one insists.
 *
 *     running ─ signal ─▶ ending ─ signal, at least a second later ─▶ forced
 *
 * A terminal sends Ctrl-C to npm and to us, and npm passes its own on: two signals at once are one wish.
 */

import { type NebulaError, toNebulaError } from "../model/errors.ts";
import { type Clock, systemClock } from "../model/ports.ts";
import type { SignalName, SignalSource } from "./io.ts";

const INSIST_AFTER_MS = 1_000;
const ENDINGS: readonly SignalName[] = ["SIGINT", "SIGTERM", "SIGHUP", "uncaughtException"];

/** The wish that the run ends. */
export interface Interrupt extends Disposable {
  /** Aborts at the first signal, or with the exception that nobody caught as its reason. */
  readonly signal: AbortSignal;
  /** Resolves when somebody insists. */
  readonly forced: Promise<void>;
  /** The exception that nobody caught, if that was the end. */
  readonly crash: NebulaError | undefined;
}

/** Listens until disposed. */
export function listenForInterrupt(signals: SignalSource, clock: Clock = systemClock): Interrupt {
  const controller = new AbortController();
  const { promise: forced, resolve: force } = Promise.withResolvers<void>();
  let firstMs: number | undefined;
  let crash: NebulaError | undefined;
  const onEnding = (name: SignalName) => (value: unknown) => {
    if (name === "uncaughtException") crash ??= toNebulaError(value);
    firstMs ??= clock.nowMs();
    if (!controller.signal.aborted) controller.abort(crash);
    else if (name !== "uncaughtException" && clock.nowMs() - firstMs >= INSIST_AFTER_MS) force();
  };
  const listeners = ENDINGS.map((name) => [name, onEnding(name)] as const);
  for (const [name, listener] of listeners) signals.on(name, listener);
  return {
    signal: controller.signal,
    forced,
    get crash() {
      return crash;
    },
    [Symbol.dispose]: () => {
      for (const [name, listener] of listeners) signals.off(name, listener);
    },
  };
}
