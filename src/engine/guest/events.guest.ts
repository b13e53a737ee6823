/**
 * The global scope of a function as an event target: listeners, `reportError`, `onerror` and its kin.
 *
 * Listeners for `fetch` are the function itself, in the service-worker style; they are kept apart.
 * @see https://html.spec.whatwg.org/multipage/webappapis.html#runtime-script-errors
 */

import { toWireError } from "../../model/wire-error.ts";
import { defineGlobals } from "./globals.guest.ts";

type Callback = (event: Event) => void;
type Listener = Callback | { handleEvent(event: Event): void };

interface PromiseRejectionEventInit {
  readonly bubbles?: boolean;
  readonly cancelable?: boolean;
  readonly composed?: boolean;
  readonly promise: Promise<unknown>;
  readonly reason?: unknown;
}

/** WinterTC's event for promises that nobody caught; Node has none. */
export class PromiseRejectionEvent extends Event {
  readonly #promise: Promise<unknown>;
  readonly #reason: unknown;

  constructor(type: string, init: PromiseRejectionEventInit) {
    const promise: unknown = init?.promise;
    if ((typeof promise !== "object" && typeof promise !== "function") || promise === null) {
      throw new TypeError('Cannot make a PromiseRejectionEvent: "promise" is required');
    }
    super(type, init);
    this.#promise = init.promise;
    this.#reason = init.reason;
  }

  get promise(): Promise<unknown> {
    return this.#promise;
  }

  get reason(): unknown {
    return this.#reason;
  }
}

const isEnumerable = { enumerable: true };
Object.defineProperties(PromiseRejectionEvent.prototype, {
  promise: isEnumerable,
  reason: isEnumerable,
  [Symbol.toStringTag]: { value: "PromiseRejectionEvent", configurable: true },
});

/** What the rest of a guest needs of the global scope's events. */
export interface GlobalEvents {
  /** False when a listener prevented the default. */
  dispatch(event: Event): boolean;
  /** For what nobody caught: tells the listeners, and the console unless one of them prevents it. */
  reportException(error: unknown): void;
  readonly fetchListeners: readonly Listener[];
}

/** Gives the global scope its events; `print` takes the failures that nobody handles. Called once. */
export function installGlobalEvents(print: (error: unknown) => void): GlobalEvents {
  const target = new EventTarget();
  const fetchListeners: Listener[] = [];
  const wrapped = new WeakMap<Listener, Callback>();

  const dispatch = (event: Event): boolean => {
    if (event instanceof Event) {
      const here = { value: globalThis, configurable: true };
      Object.defineProperties(event, { target: here, currentTarget: here });
      callHandler(event);
    }
    return target.dispatchEvent(event) && !event.defaultPrevented;
  };

  const reportException = (error: unknown) => {
    const { message } = toWireError(error);
    if (dispatch(new ErrorEvent("error", { error, message, cancelable: true }))) print(error);
  };

  /** What a listener throws is reported, but not to listeners again while they are told of an error. */
  const guarded = (event: Event, call: () => void) => {
    try {
      call();
    } catch (error) {
      if (event.type === "error") print(error);
      else reportException(error);
    }
  };

  /** `onerror` has arguments of its own, and says with `true` what the others say with `false`. */
  const callHandler = (event: Event) => {
    const handler: unknown = Reflect.get(globalThis, `on${event.type}`);
    if (typeof handler !== "function") return;
    guarded(event, () => {
      const isError = event instanceof ErrorEvent && event.type === "error";
      const args = isError ? [event.message, event.filename, event.lineno, event.colno, event.error] : [event];
      if (Reflect.apply(handler, globalThis, args) === isError) event.preventDefault();
    });
  };

  const wrap = (listener: Listener): Callback => {
    const known = wrapped.get(listener);
    if (known !== undefined) return known;
    const callback = (event: Event) =>
      guarded(event, () => {
        if (typeof listener === "function") Reflect.apply(listener, globalThis, [event]);
        else listener.handleEvent(event);
      });
    wrapped.set(listener, callback);
    return callback;
  };
  const toCallback = (listener: unknown) => (isListener(listener) ? wrap(listener) : fromUnknown(listener));

  const addEventListener = (type: string, listener: unknown, options?: AddEventListenerOptions) => {
    if (type !== "fetch") target.addEventListener(type, toCallback(listener), options);
    else if (isListener(listener) && !fetchListeners.includes(listener)) fetchListeners.push(listener);
  };
  const removeEventListener = (type: string, listener: unknown, options?: EventListenerOptions) => {
    if (type !== "fetch") target.removeEventListener(type, toCallback(listener), options);
    else if (isListener(listener) && fetchListeners.includes(listener)) {
      fetchListeners.splice(fetchListeners.indexOf(listener), 1);
    }
  };
  const reportError = (...args: unknown[]) => {
    if (args.length === 0) throw new TypeError("Cannot report an error: there is no argument");
    reportException(args[0]);
  };
  for (const each of [addEventListener, removeEventListener]) Object.defineProperty(each, "length", { value: 2 });
  Object.defineProperty(reportError, "length", { value: 1 });

  defineGlobals({
    self: globalThis,
    PromiseRejectionEvent,
    onerror: null,
    onunhandledrejection: null,
    onrejectionhandled: null,
    addEventListener,
    removeEventListener,
    dispatchEvent: dispatch,
    reportError,
  });
  return { dispatch, reportException, fetchListeners };
}

function isListener(value: unknown): value is Listener {
  return typeof value === "function" || (typeof value === "object" && value !== null);
}

/** What is no listener goes to Node as it is: `null` is nothing, anything else is refused there. */
function fromUnknown(value: unknown): Callback {
  return value as Callback;
}
