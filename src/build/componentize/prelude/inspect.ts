/**
 * Values as text, in the way of Node's console.
 *
 * @see https://nodejs.org/api/util.html#utilinspectobject-options
 */

import { describeError } from "./errors.ts";

const LINE_LENGTH = 72;
const MAX_DEPTH = 2;
const MAX_ITEMS = 100;

interface Context {
  readonly depth: number;
  readonly parents: readonly object[];
}

/** The arguments of console.log as one text: `%s %d %i %f %j %o %O %c`, then the rest. */
export function format(args: readonly unknown[]): string {
  const [first, ...rest] = args;
  if (typeof first !== "string") return args.map(show).join(" ");
  let used = 0;
  const head = first.replace(/%([sdifjoOc%])/g, (whole, kind: string) => {
    if (kind === "%") return rest.length === 0 ? whole : "%";
    if (used >= rest.length) return whole;
    const value = rest[used++];
    return formatOne(kind, value);
  });
  return [head, ...rest.slice(used).map(show)].join(" ");
}

function formatOne(kind: string, value: unknown): string {
  if (kind === "c") return "";
  if (kind === "j") return JSON.stringify(value) ?? "undefined";
  if (kind === "o" || kind === "O") return inspect(value);
  if (kind === "s")
    return typeof value === "string" ? value : typeof value === "bigint" ? `${value}n` : inspect(value, 0);
  if (typeof value === "symbol" || (typeof value === "object" && value !== null)) return "NaN";
  if (typeof value === "bigint") return `${value}n`;
  const number =
    kind === "i" ? Number.parseInt(String(value), 10) : kind === "f" ? Number.parseFloat(String(value)) : Number(value);
  return Object.is(number, -0) ? "-0" : String(number);
}

/** A value at the top level: texts have no quotes. */
function show(value: unknown): string {
  return typeof value === "string" ? value : inspect(value);
}

/** One value. Never throws: what cannot be read is said to be so. */
export function inspect(value: unknown, depth: number = MAX_DEPTH): string {
  try {
    return showValue(value, { depth, parents: [] });
  } catch {
    // because getters and proxies of the function may throw
    return "[object that cannot be shown]";
  }
}

function showValue(value: unknown, context: Context): string {
  if (typeof value === "string") return quote(value);
  if (typeof value === "bigint") return `${value}n`;
  if (Object.is(value, -0)) return "-0";
  if (typeof value === "symbol") return value.toString();
  if (typeof value === "function") return showFunction(value);
  if (typeof value !== "object" || value === null) return String(value);
  if (context.parents.includes(value)) return "[Circular *1]";
  return showObject(value, context);
}

function quote(text: string): string {
  const mark = !text.includes("'") ? "'" : !text.includes('"') ? '"' : !text.includes("`") ? "`" : "'";
  const escaped = text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll("\r", "\\r").replaceAll("\t", "\\t");
  return mark + (mark === "'" ? escaped.replaceAll("'", "\\'") : escaped) + mark;
}

function showFunction(value: object): string {
  const name = Reflect.get(value, "name");
  const isClass = /^class\b/.test(Function.prototype.toString.call(value));
  return `[${isClass ? "class" : "Function"}${isClass ? "" : ":"} ${typeof name === "string" && name !== "" ? name : "(anonymous)"}]`;
}

function showObject(value: object, context: Context): string {
  if (value instanceof Error) return showError(value, context);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString();
  if (value instanceof RegExp) return value.toString();
  const name = nameOf(value);
  if (value instanceof Promise) return `${name} { <pending> }`;
  if (value instanceof WeakMap || value instanceof WeakSet) return `${name} { <items unknown> }`;
  const isNested = context.parents.length > context.depth;
  if (isNested) return Array.isArray(value) ? "[Array]" : `[${name || "Object: null prototype"}]`;
  const inner = { ...context, parents: [...context.parents, value] };
  if (Array.isArray(value)) {
    const prefix = name === "Array" ? "" : `${name}(${value.length}) `;
    return wrap(`${prefix}[`, [...showItems(value, inner), ...showKeys(value, inner, isIndex)], "]");
  }
  if (ArrayBuffer.isView(value) && "length" in value) {
    const items: unknown = value;
    return wrap(`${name}(${String(value.length)}) [`, showItems(fromView(items), inner), "]");
  }
  if (value instanceof ArrayBuffer) return `ArrayBuffer { byteLength: ${value.byteLength} }`;
  if (value instanceof Map) {
    const entries = [...value].map(([key, each]) => `${showValue(key, inner)} => ${showValue(each, inner)}`);
    return wrap(`${name}(${value.size}) {`, [...entries, ...showKeys(value, inner)], "}");
  }
  if (value instanceof Set) {
    return wrap(
      `${name}(${value.size}) {`,
      [...[...value].map((each) => showValue(each, inner)), ...showKeys(value, inner)],
      "}",
    );
  }
  const prefix = name === "Object" ? "" : `${name || "[Object: null prototype]"} `;
  return wrap(`${prefix}{`, [...showFacts(value, inner), ...showKeys(value, inner)], "}");
}

function showError(error: Error, context: Context): string {
  const { name, message, stack } = describeError(error);
  const head = message === "" ? name : `${name}: ${message}`;
  const text = stack === undefined || stack === head ? `[${head}]` : stack;
  const { cause } = error;
  const inner = { ...context, parents: [...context.parents, error] };
  const keys = showKeys(error, inner, (key) => ["message", "stack", "cause", "name"].includes(key));
  if (cause !== undefined) keys.push(`[cause]: ${showValue(cause, inner)}`);
  if (error instanceof AggregateError) keys.push(`[errors]: ${showValue(error.errors, inner)}`);
  return keys.length === 0 ? text : `${text} {\n  ${keys.join(",\n").replaceAll("\n", "\n  ")}\n}`;
}

/** What the web's classes keep behind getters. */
function showFacts(value: object, context: Context): string[] {
  const entries: unknown = Reflect.get(value, "entries");
  const tag: unknown = Reflect.get(value, Symbol.toStringTag);
  if (typeof entries === "function" && typeof Reflect.get(value, "append") === "function") {
    const pairs: Iterable<[unknown, unknown]> = Reflect.apply(entries, value, []);
    return [...pairs].map(([key, each]) => `${showKey(String(key))}: ${showValue(each, context)}`);
  }
  const names =
    tag === "Request"
      ? ["method", "url", "headers"]
      : tag === "Response"
        ? ["status", "statusText", "headers", "ok", "url"]
        : tag === "URL"
          ? ["href", "origin", "pathname", "search", "hash"]
          : [];
  return names.map((name) => `${name}: ${showValue(Reflect.get(value, name), context)}`);
}

function showItems(items: readonly unknown[], context: Context): string[] {
  const shown: string[] = [];
  for (let i = 0; i < Math.min(items.length, MAX_ITEMS); i++) {
    shown.push(i in items ? showValue(items[i], context) : "<1 empty item>");
  }
  const more = items.length - MAX_ITEMS;
  return more > 0 ? [...shown, `... ${more} more item${more === 1 ? "" : "s"}`] : shown;
}

function showKeys(value: object, context: Context, isLeftOut: (key: string) => boolean = () => false): string[] {
  return Reflect.ownKeys(value).flatMap((key) => {
    const property = Object.getOwnPropertyDescriptor(value, key);
    if (property?.enumerable !== true || (typeof key === "string" && isLeftOut(key))) return [];
    const { get, set } = property;
    const text =
      get || set
        ? `[${[get && "Getter", set && "Setter"].filter(Boolean).join("/")}]`
        : showValue(property.value, context);
    return [`${typeof key === "symbol" ? `[${key.toString()}]` : showKey(key)}: ${text}`];
  });
}

function showKey(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? key : quote(key);
}

function isIndex(key: string): boolean {
  return /^\d+$/.test(key);
}

function nameOf(value: object): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (typeof prototype !== "object" || prototype === null) return "";
  const maker: unknown = Reflect.get(prototype, "constructor");
  return typeof maker === "function" ? maker.name : "Object";
}

function wrap(open: string, parts: readonly string[], close: string): string {
  if (parts.length === 0) return open + close;
  const line = `${open} ${parts.join(", ")} ${close}`;
  if (line.length <= LINE_LENGTH && !line.includes("\n")) return line;
  return `${open}\n  ${parts.join(",\n").replaceAll("\n", "\n  ")}\n${close}`;
}

/** A typed array is a list of numbers. */
function fromView(view: unknown): readonly unknown[] {
  return view as readonly unknown[];
}
