/**
 * A call of a method, as the answering function takes it.
 *
 * What can be called is what its author has put into a class for that: methods and getters of the class, not what its
 * instances own, and nothing of what all objects have. Of plain objects it is the other way round.
 * @see https://developers.cloudflare.com/workers/runtime-apis/rpc/visibility/
 */

import { RPC_LIMIT_BYTES, RPC_PATH_LIMIT } from "../model/service.ts";
import { decodeClone, encodeClone, findCloneText } from "./clone.ts";

/** What is called, and with what; without arguments a property is read. */
export interface Call {
  readonly path: readonly string[];
  readonly args?: readonly unknown[];
}

/** Whose methods are called. */
export interface Receiver {
  readonly self: object;
  /** What follows the argument of a function that is no method of a class; absent for classes. */
  readonly rest?: readonly unknown[];
}

/** Marks classes whose instances are kept where they are; they cannot be sent to another function here. */
export class RpcTarget {}

/** What the system calls, or a stub has itself. */
const RESERVED: ReadonlySet<string> = new Set([
  "constructor",
  "fetch",
  "connect",
  "alarm",
  "webSocketMessage",
  "webSocketClose",
  "webSocketError",
  "dup",
]);
/** What of an error that is thrown goes along, besides its name, message and stack. */
const THROWN_LIMIT = 8_192;
const ARITY = 3;

/** Calls, and gives the result as it is sent. Rejects with a CallFailure. */
export async function answerCall(asked: Uint8Array, open: () => Receiver): Promise<Uint8Array> {
  try {
    return encodeClone(await call(readCall(asked), open()), RPC_LIMIT_BYTES);
  } catch (thrown) {
    throw new CallFailure(thrown);
  }
}

/** What a method threw, on its way to whoever called it: `thrown` is all of it, where that can be sent. */
export class CallFailure extends Error {
  readonly thrown: string | undefined;

  constructor(thrown: unknown) {
    super(describe(thrown, "message"));
    const isObject = typeof thrown === "object" && thrown !== null;
    this.name = describe(thrown, "name");
    this.stack = isObject ? describe(thrown, "stack") : `${this.name}: ${this.message}`;
    this.thrown = isObject ? findCloneText(thrown, THROWN_LIMIT) : undefined;
  }
}

function describe(thrown: unknown, key: "name" | "message" | "stack"): string {
  const isError = thrown instanceof Error || thrown instanceof DOMException;
  try {
    return isError ? String(thrown[key]) : key === "message" ? String(thrown) : "Error";
  } catch {
    // because whatever was thrown may have getters that throw
    return key === "message" ? "(a value that cannot be printed)" : "Error";
  }
}

/** @throws {TypeError} when it is no call. */
function readCall(asked: Uint8Array): Call {
  const value = decodeClone(asked);
  const { path, args }: { path?: unknown; args?: unknown } = Object(value);
  const isPath = Array.isArray(path) && path.length > 0 && path.every((name) => typeof name === "string");
  if (!isPath || (args !== undefined && !Array.isArray(args))) throw new TypeError("Cannot read the call of a method");
  if (path.length > RPC_PATH_LIMIT)
    throw new TypeError(`Cannot follow a path of more than ${RPC_PATH_LIMIT} properties`);
  return { path, ...(args !== undefined && { args }) };
}

async function call({ path, args }: Call, { self, rest }: Receiver): Promise<unknown> {
  let owner = self;
  let isOwn = rest !== undefined;
  for (const name of path.slice(0, -1)) {
    const next = getProperty(owner, name, isOwn);
    if (!isObject(next)) throw missing(name);
    isOwn = Object.getPrototypeOf(next) === Object.prototype || typeof next === "function";
    if (!isOwn && !(next instanceof RpcTarget)) throw missing(name);
    owner = next;
  }
  const last = path.at(-1) ?? "";
  const value = getProperty(owner, last, isOwn);
  if (args === undefined) return await value;
  if (typeof value !== "function") throw new TypeError(`"${last}" is not a function.`);
  return await Reflect.apply(value, owner, rest === undefined ? args : withRest(args, { name: last, value, rest }));
}

function getProperty(owner: object, name: string, isOwn: boolean): unknown {
  if (RESERVED.has(name)) throw new TypeError(`'${name}' is a reserved method and cannot be called over RPC.`);
  if (Object.hasOwn(owner, name) !== isOwn) throw missing(name);
  const value: unknown = Reflect.get(owner, name);
  if (!isOwn && value === Reflect.get(Object.prototype, name)) throw missing(name);
  return value;
}

/** A function that stands in an object is called as a handler is: with one argument, `env` and `ctx`. */
function withRest(
  args: readonly unknown[],
  { name, value, rest }: { name: string; value: { readonly length: number }; rest: readonly unknown[] },
): readonly unknown[] {
  if (args.length === 1 && value.length <= ARITY) return [args[0], ...rest];
  throw new TypeError(
    `Attempted to call RPC function "${name}" with the wrong number of arguments. When calling a top-level handler function that is not declared as part of a class, you must always send exactly one argument. In order to support variable numbers of arguments, the server must use class-based syntax (extending WorkerEntrypoint) instead.`,
  );
}

function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

function missing(name: string): TypeError {
  return new TypeError(`The RPC receiver does not implement the method "${name}".`);
}
