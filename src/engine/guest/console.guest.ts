/**
 * The guest's console: Node's formatting, with every line sent to the host under the invocation that wrote it.
 */

import { Console } from "node:console";
import { Writable } from "node:stream";
import type { LogMethod } from "./protocol.ts";

/** One piece of output, formatted. */
export type WriteLog = (level: LogMethod, text: string) => void;

const LEVELS: Readonly<Record<string, LogMethod>> = {
  debug: "debug",
  info: "info",
  warn: "warn",
  error: "error",
  trace: "error",
  assert: "error",
};

/** A console object with all of Node's methods. */
export function createConsole(write: WriteLog): Console {
  let level: LogMethod = "log";
  const sink = new Writable({
    decodeStrings: false,
    write: (text, _encoding, done) => {
      write(level, String(text).replace(/\n$/, ""));
      done();
    },
  });
  const node = new Console({ stdout: sink, stderr: sink, colorMode: false });
  const methods = Object.entries(node).filter(([, value]) => typeof value === "function");
  const wrapped = methods.map(([name, method]) => [
    name,
    (...args: unknown[]) => {
      level = LEVELS[name] ?? "log";
      return Reflect.apply(method, node, args);
    },
  ]);
  // A namespace object: https://console.spec.whatwg.org/#console-namespace
  const namespace: Console = Object.assign(Object.create({}), Object.fromEntries(wrapped));
  return Object.defineProperty(namespace, Symbol.toStringTag, { value: "console", configurable: true });
}
