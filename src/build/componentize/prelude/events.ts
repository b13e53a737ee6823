/**
 * Events and their targets, without a tree.
 *
 * @see https://dom.spec.whatwg.org/#events
 */

/** What an event is made with. */
export interface EventOptions {
  readonly bubbles?: boolean;
  readonly cancelable?: boolean;
  readonly composed?: boolean;
}

type Callback = (event: NebulaEvent) => void;
type Listener = Callback | { handleEvent(event: NebulaEvent): void };

interface Registration {
  readonly listener: Listener;
  readonly isCapture: boolean;
  readonly isOnce: boolean;
  isRemoved: boolean;
}

interface ListenerOptions {
  readonly capture?: boolean;
  readonly once?: boolean;
  readonly signal?: { readonly aborted: boolean; addEventListener(type: string, listener: () => void): void };
}

/** `Event`. */
export class NebulaEvent {
  readonly #type: string;
  readonly #options: EventOptions;
  readonly #timeStamp = performance.now();
  #target: unknown = null;
  #phase = 0;
  #isPrevented = false;
  #isStopped = false;
  #isStoppedAtOnce = false;

  constructor(type: string, options: EventOptions = {}) {
    this.#type = String(type);
    this.#options = options ?? {};
  }

  get type(): string {
    return this.#type;
  }

  get bubbles(): boolean {
    return Boolean(this.#options.bubbles);
  }

  get cancelable(): boolean {
    return Boolean(this.#options.cancelable);
  }

  get composed(): boolean {
    return Boolean(this.#options.composed);
  }

  get target(): unknown {
    return this.#target;
  }

  get srcElement(): unknown {
    return this.#target;
  }

  get currentTarget(): unknown {
    return this.#phase === 0 ? null : this.#target;
  }

  get eventPhase(): number {
    return this.#phase;
  }

  get defaultPrevented(): boolean {
    return this.#isPrevented;
  }

  get returnValue(): boolean {
    return !this.#isPrevented;
  }

  get cancelBubble(): boolean {
    return this.#isStopped;
  }

  get isTrusted(): boolean {
    return false;
  }

  get timeStamp(): number {
    return this.#timeStamp;
  }

  composedPath(): unknown[] {
    return this.#phase === 0 ? [] : [this.#target];
  }

  preventDefault(): void {
    if (this.cancelable) this.#isPrevented = true;
  }

  stopPropagation(): void {
    this.#isStopped = true;
  }

  stopImmediatePropagation(): void {
    this.#isStopped = true;
    this.#isStoppedAtOnce = true;
  }

  /** Sets the target and calls each of the callbacks until one of them stops it. */
  static dispatch(event: NebulaEvent, target: unknown, callbacks: Iterable<() => void>): boolean {
    event.#target = target;
    event.#phase = 2;
    for (const callback of callbacks) {
      callback();
      if (event.#isStoppedAtOnce) break;
    }
    event.#phase = 0;
    event.#isStopped = false;
    event.#isStoppedAtOnce = false;
    return !event.#isPrevented;
  }
}

/** `CustomEvent`. */
export class NebulaCustomEvent extends NebulaEvent {
  readonly #detail: unknown;

  constructor(type: string, options: EventOptions & { readonly detail?: unknown } = {}) {
    super(type, options);
    this.#detail = options.detail ?? null;
  }

  get detail(): unknown {
    return this.#detail;
  }
}

/** What an ErrorEvent is made with. */
export interface ErrorEventOptions extends EventOptions {
  readonly message?: string;
  readonly filename?: string;
  readonly lineno?: number;
  readonly colno?: number;
  readonly error?: unknown;
}

/** `ErrorEvent`. */
export class NebulaErrorEvent extends NebulaEvent {
  readonly #options: ErrorEventOptions;

  constructor(type: string, options: ErrorEventOptions = {}) {
    super(type, options);
    this.#options = options;
  }

  get message(): string {
    return this.#options.message ?? "";
  }

  get filename(): string {
    return this.#options.filename ?? "";
  }

  get lineno(): number {
    return this.#options.lineno ?? 0;
  }

  get colno(): number {
    return this.#options.colno ?? 0;
  }

  get error(): unknown {
    return this.#options.error;
  }
}

/** `PromiseRejectionEvent`. */
export class NebulaPromiseRejectionEvent extends NebulaEvent {
  readonly #promise: object;
  readonly #reason: unknown;

  constructor(type: string, options: EventOptions & { readonly promise: object; readonly reason?: unknown }) {
    super(type, options);
    this.#promise = options.promise;
    this.#reason = options.reason;
  }

  get promise(): object {
    return this.#promise;
  }

  get reason(): unknown {
    return this.#reason;
  }
}

/** `EventTarget`. */
export class NebulaEventTarget {
  readonly #registrations = new Map<string, Registration[]>();

  addEventListener(type: string, listener: unknown, options?: boolean | ListenerOptions): void {
    if (!isListener(listener)) {
      if (listener === null || listener === undefined) return;
      throw new TypeError("Cannot add an event listener: it is no function and no object");
    }
    const {
      capture = false,
      once = false,
      signal,
    } = typeof options === "object" ? (options ?? {}) : { capture: options };
    if (signal?.aborted) return;
    const list = this.#registrations.get(type) ?? [];
    const isCapture = Boolean(capture);
    if (list.some((each) => each.listener === listener && each.isCapture === isCapture)) return;
    this.#registrations.set(type, [...list, { listener, isCapture, isOnce: Boolean(once), isRemoved: false }]);
    signal?.addEventListener("abort", () => this.removeEventListener(type, listener, isCapture));
  }

  removeEventListener(type: string, listener: unknown, options?: boolean | ListenerOptions): void {
    const isCapture = Boolean(typeof options === "object" ? options?.capture : options);
    const list = this.#registrations.get(type) ?? [];
    const found = list.find((each) => each.listener === listener && each.isCapture === isCapture);
    if (found === undefined) return;
    found.isRemoved = true;
    this.#registrations.set(
      type,
      list.filter((each) => each !== found),
    );
  }

  dispatchEvent(event: NebulaEvent): boolean {
    if (!(event instanceof NebulaEvent)) throw new TypeError("Cannot dispatch: the argument is no Event");
    const target = this === undefined ? globalThis : this;
    const handler: unknown = Reflect.get(target, `on${event.type}`);
    const list = this.#registrations.get(event.type) ?? [];
    const callbacks = list.map((each) => () => this.#call(each, event));
    if (typeof handler === "function")
      callbacks.unshift(() => guard(event, () => Reflect.apply(handler, target, [event])));
    return NebulaEvent.dispatch(event, target, callbacks);
  }

  #call(registration: Registration, event: NebulaEvent): void {
    const { listener, isCapture, isOnce, isRemoved } = registration;
    if (isRemoved) return;
    if (isOnce) this.removeEventListener(event.type, listener, isCapture);
    guard(event, () => {
      if (typeof listener === "function") Reflect.apply(listener, this, [event]);
      else listener.handleEvent(event);
    });
  }
}

function isListener(value: unknown): value is Listener {
  return typeof value === "function" || (typeof value === "object" && value !== null);
}

/** What a listener throws is reported, but not to listeners again while they are told of an error. */
function guard(event: NebulaEvent, call: () => void): void {
  try {
    call();
  } catch (error) {
    if (event.type === "error") console.error("Uncaught", error);
    else report(error);
  }
}

/** The global scope's own, which the function may replace. */
function report(error: unknown): void {
  const reportError: unknown = Reflect.get(globalThis, "reportError");
  if (typeof reportError === "function") reportError(error);
}
