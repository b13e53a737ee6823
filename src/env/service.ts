/**
 * Another function, as the one that asks it sees it.
 *
 *     env.OTHER.fetch(request)        a request, its body and its answer's as streams
 *     await env.OTHER.add(1, 2)       a call of a method
 *     await env.OTHER.version         a property that its class has a getter for
 *     await env.OTHER.a.b.c(1)        the same below what a getter gives
 *
 * Calls go to the host with all that they say in the body; what comes back is read as from a stranger.
 * @see https://developers.cloudflare.com/workers/runtime-apis/rpc/
 */

import { RPC_LIMIT_BYTES, RPC_STATUS, RPC_URL } from "../model/service.ts";
import { type Ask, type Fetcher, readAll } from "./ask.ts";
import { decodeClone, encodeClone, fromCloneText } from "./clone.ts";
import { makeError } from "./clone-reader.ts";
import type { Call } from "./rpc.ts";

/** Names that ask for something else than a property: promises look for the first, JSON for the second. */
const NOT_ASKED: ReadonlySet<string> = new Set(["then", "toJSON"]);
const OF_PROMISES: ReadonlySet<string> = new Set(["then", "catch", "finally"]);

/** What a binding to a function is in `env`. */
export function createService(ask: Ask, { fetch }: Fetcher): Fetcher {
  const own = { fetch, [Symbol.toStringTag]: "Fetcher" };
  return new Proxy(own, {
    get: (target, key) => {
      if (key in target || typeof key === "symbol" || NOT_ASKED.has(key)) return Reflect.get(target, key);
      return createProperty(ask, [key]);
    },
  });
}

/** To be called, or to be waited for, or to be asked for what is below it. */
function createProperty(ask: Ask, path: readonly string[]): unknown {
  return new Proxy(() => {}, {
    apply: (_target, _self, args) => send(ask, { path, args }),
    get: (_target, key) => {
      if (typeof key === "symbol") return undefined;
      if (!OF_PROMISES.has(key)) return createProperty(ask, [...path, key]);
      return (...args: unknown[]) => {
        const value = send(ask, { path });
        return Reflect.apply(Reflect.get(value, key), value, args);
      };
    },
  });
}

async function send(ask: Ask, call: Call): Promise<unknown> {
  const body = encodeClone(call, RPC_LIMIT_BYTES);
  const answer = await ask({ method: "POST", url: RPC_URL, headers: [], body });
  const bytes = await readAll(answer.body, RPC_LIMIT_BYTES);
  if (answer.status === RPC_STATUS.returned) return decodeClone(bytes);
  if (answer.status === RPC_STATUS.threw) throw fromThrown(new TextDecoder().decode(bytes));
  throw new TypeError("Cannot read what a method of another function gave: it answered as nothing that can be called");
}

/** What was thrown there, with the words of there; its stack begins where it was thrown. */
function fromThrown(text: string): unknown {
  const { name, message, stack, thrown } = readThrown(text);
  const made = (thrown && findThrown(thrown)) ?? makeError([name], message);
  if (made instanceof Error) {
    if (made.name !== name) define(made, "name", name);
    define(made, "stack", stack ?? `${name}: ${message}`);
  }
  return Object.assign(made, { remote: true });
}

function readThrown(text: string) {
  try {
    const said: unknown = JSON.parse(text);
    const found = (key: string) => {
      const value: unknown = Reflect.get(Object(said), key);
      return typeof value === "string" ? value : undefined;
    };
    const { name = "Error", message = "" } = { name: found("name"), message: found("message") };
    return { name, message, stack: found("stack"), thrown: found("thrown") };
  } catch (cause) {
    throw new TypeError("Cannot read what a method of another function threw", { cause });
  }
}

function findThrown(text: string): object | undefined {
  try {
    const value = fromCloneText(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    // because its name and its message are there besides
    return undefined;
  }
}

function define(error: Error, key: string, value: string): void {
  Object.defineProperty(error, key, { value, enumerable: false, writable: true, configurable: true });
}
