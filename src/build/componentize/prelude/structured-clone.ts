/**
 * Copies of values.
 *
 * @see https://html.spec.whatwg.org/multipage/structured-data.html
 */

const ERRORS: Readonly<Record<string, ErrorConstructor>> = {
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
};

/** `structuredClone`. Buffers in `transfer` are moved. */
export function structuredClone(value: unknown, { transfer = [] }: { transfer?: readonly unknown[] } = {}): unknown {
  const seen = new Map<unknown, unknown>();
  for (const each of transfer) {
    if (!(each instanceof ArrayBuffer)) throw notCloneable(each);
    seen.set(each, each.transfer());
  }
  return clone(value, seen);
}

function clone(value: unknown, seen: Map<unknown, unknown>): unknown {
  if (typeof value === "symbol" || typeof value === "function") throw notCloneable(value);
  if (typeof value !== "object" || value === null) return value;
  if (seen.has(value)) return seen.get(value);
  const keep = <T>(made: T): T => {
    seen.set(value, made);
    return made;
  };
  if (value instanceof Boolean || value instanceof Number || value instanceof String)
    return keep(Object(value.valueOf()));
  if (value instanceof Date) return keep(new Date(value.getTime()));
  if (value instanceof RegExp) return keep(new RegExp(value.source, value.flags));
  if (value instanceof ArrayBuffer) return keep(value.slice(0));
  if (ArrayBuffer.isView(value)) return keep(cloneView(value, seen));
  if (value instanceof Map) {
    const made = keep(new Map());
    for (const [key, each] of [...value]) made.set(clone(key, seen), clone(each, seen));
    return made;
  }
  if (value instanceof Set) {
    const made = keep(new Set());
    for (const each of [...value]) made.add(clone(each, seen));
    return made;
  }
  if (value instanceof Error) return cloneError(value, { seen, keep });
  if (Array.isArray(value)) return cloneKeys(value, keep(new Array(value.length)), seen);
  const isWeb = typeof Reflect.get(value, Symbol.toStringTag) === "string";
  if (isWeb || value instanceof Promise || value instanceof WeakMap || value instanceof WeakSet)
    throw notCloneable(value);
  return cloneKeys(value, keep({}), seen);
}

function cloneKeys(from: object, to: object, seen: Map<unknown, unknown>): object {
  for (const key of Object.keys(from)) {
    const value = clone(Reflect.get(from, key), seen);
    Object.defineProperty(to, key, { value, writable: true, enumerable: true, configurable: true });
  }
  return to;
}

function cloneView(view: ArrayBufferView, seen: Map<unknown, unknown>): unknown {
  const buffer = clone(view.buffer, seen);
  const length: unknown = "length" in view ? view.length : view.byteLength;
  return Reflect.construct(findMaker(view), [buffer, view.byteOffset, length]);
}

function findMaker(value: object): new (...args: unknown[]) => unknown {
  const maker: unknown = value.constructor;
  if (!isMaker(maker)) throw notCloneable(value);
  return maker;
}

function isMaker(value: unknown): value is new (...args: unknown[]) => unknown {
  return typeof value === "function";
}

interface ErrorContext {
  readonly seen: Map<unknown, unknown>;
  keep<T>(made: T): T;
}

function cloneError(error: Error, { seen, keep }: ErrorContext): Error {
  const made = keep(new (ERRORS[error.name] ?? Error)(error.message));
  if ("cause" in error)
    Object.defineProperty(made, "cause", { value: clone(error.cause, seen), writable: true, configurable: true });
  return Object.defineProperty(made, "stack", { value: error.stack, writable: true, configurable: true });
}

function notCloneable(value: unknown): DOMException {
  const shown = typeof value === "object" ? Object.prototype.toString.call(value) : String(value);
  return new DOMException(`${shown} could not be cloned.`, "DataCloneError");
}
