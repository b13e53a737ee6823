/**
 * The global scope as an event target: listeners, `reportError`, `onerror` and its kin.
 *
 * Listeners for `fetch` are the function itself, in the service-worker style; they are kept apart.
 */

import { describeError } from "./errors.ts";
import { NebulaErrorEvent, NebulaEvent, NebulaEventTarget, NebulaPromiseRejectionEvent } from "./events.ts";
import type { Handlers } from "./handlers.ts";

/** What the global scope gets, and what tells it of failures. */
export interface GlobalEvents {
  readonly globals: Readonly<Record<string, unknown>>;
  report(error: unknown): void;
  reportRejection(promise: object, reason: unknown): void;
}

/** `print` takes what no listener has prevented. */
export function createGlobalEvents(handlers: Handlers, print: (text: string) => void): GlobalEvents {
  const target = new NebulaEventTarget();
  const tell = (error: unknown) => {
    const { name, message, stack } = describeError(error);
    print(`Uncaught ${stack ?? `${name}: ${message}`}`);
  };
  const dispatchEvent = (event: unknown): boolean => {
    if (!(event instanceof NebulaEvent)) throw new TypeError("Cannot dispatch: the argument is no Event");
    callHandler(event);
    return target.dispatchEvent(event) && !event.defaultPrevented;
  };
  /** `onerror` has arguments of its own, and says with `true` what the others say with `false`. */
  const callHandler = (event: NebulaEvent) => {
    const handler: unknown = Reflect.get(globalThis, `on${event.type}`);
    if (typeof handler !== "function") return;
    const isError = event instanceof NebulaErrorEvent && event.type === "error";
    const args = isError ? [event.message, event.filename, event.lineno, event.colno, event.error] : [event];
    try {
      if (Reflect.apply(handler, globalThis, args) === isError) event.preventDefault();
    } catch (error) {
      tell(error);
    }
  };
  const report = (error: unknown) => {
    const { message } = describeError(error);
    if (dispatchEvent(new NebulaErrorEvent("error", { error, message, cancelable: true }))) tell(error);
  };
  return {
    report,
    reportRejection: (promise, reason) => {
      const event = new NebulaPromiseRejectionEvent("unhandledrejection", { promise, reason, cancelable: true });
      if (dispatchEvent(event)) tell(reason);
    },
    globals: {
      onerror: null,
      onunhandledrejection: null,
      onrejectionhandled: null,
      reportError: report,
      dispatchEvent,
      addEventListener: (
        type: string,
        listener: unknown,
        options?: boolean | { readonly capture?: boolean; readonly once?: boolean },
      ) => {
        if (type === "fetch") handlers.addListener(listener);
        else target.addEventListener(type, listener, options);
      },
      removeEventListener: (type: string, listener: unknown, options?: boolean) => {
        if (type === "fetch") handlers.removeListener(listener);
        else target.removeEventListener(type, listener, options);
      },
    },
  };
}
