/**
 * The global scope of a function: the WinterTC minimum common API, and nothing of the runtime beyond it.
 *
 * @see https://min-common-api.proposal.wintertc.org/ (ECMA-429)
 */

/** What a runtime takes from its functions. */
export interface RemovedGlobals {
  readonly names: readonly string[];
  /** Properties of `process` that no bootstrap needs after its start. */
  readonly ofProcess: readonly string[];
}

/** Takes the names, and all symbols, from the global scope, and from `process` itself what reaches out. */
export function removeGlobals({ names, ofProcess }: RemovedGlobals): void {
  for (const name of ofProcess) Reflect.deleteProperty(process, name);
  // because node:path and node:url ask for it, and where the host lives is no concern of a function
  process.cwd = () => "/";
  for (const name of names) Reflect.deleteProperty(globalThis, name);
  for (const symbol of Object.getOwnPropertySymbols(globalThis)) {
    if (symbol !== Symbol.toStringTag) Reflect.deleteProperty(globalThis, symbol);
  }
}

/** Adds properties to the global scope as the platform's own are: writable, configurable, not enumerable. */
export function defineGlobals(values: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(values)) {
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
  }
}

/**
 * Timers that give numbers, as on the web, and call back without the runtime's timer object as `this`. What is thrown is
 * reported at once, while it is known in which request that was.
 */
export function createTimers(reportException: (error: unknown) => void) {
  const { setTimeout: ownTimeout, setInterval: ownInterval } = globalThis;
  const wrap =
    (start: typeof ownTimeout | typeof ownInterval) =>
    (callback: unknown, ms?: number, ...args: unknown[]) => {
      if (typeof callback !== "function") throw new TypeError("Cannot set a timer: the callback is not a function");
      const call = () => {
        try {
          Reflect.apply(callback, globalThis, args);
        } catch (error) {
          reportException(error);
        }
      };
      return Number(start(call, ms));
    };
  const setTimeout = wrap(ownTimeout);
  const setInterval = wrap(ownInterval);
  Object.defineProperty(setTimeout, "name", { value: "setTimeout" });
  Object.defineProperty(setInterval, "name", { value: "setInterval" });
  return { setTimeout, setInterval };
}
