/**
 * What the platform makes of a component: how it would be asked, and everything that stands against it.
 *
 *     http      exports `wasi:http/incoming-handler` 0.2.x
 *     command   exports `wasi:cli/run` 0.2.x, runs once per request and exits
 */

import type { Component } from "./component/component.ts";
import { type ListedInterface, listExports, listImports } from "./component/list.ts";
import type { WasmProblem } from "./verdict.ts";

/** What is to be expected of a component. */
export interface ComponentVerdict {
  /** Absent when it exports neither. */
  readonly runsAs?: "http" | "command";
  /** Empty when it runs. */
  readonly problems: readonly WasmProblem[];
}

/** The interfaces of WASI 0.2 that a component gets, by package. @see https://github.com/WebAssembly/WASI/tree/main/wasip2 */
const KNOWN: Readonly<Record<string, readonly string[]>> = {
  "wasi:io": ["error", "poll", "streams"],
  "wasi:clocks": ["monotonic-clock", "wall-clock", "timezone"],
  "wasi:random": ["random", "insecure", "insecure-seed"],
  "wasi:filesystem": ["types", "preopens"],
  "wasi:http": ["types", "outgoing-handler"],
  "wasi:cli": [
    "environment",
    "exit",
    "stdin",
    "stdout",
    "stderr",
    "terminal-input",
    "terminal-output",
    "terminal-stdin",
    "terminal-stdout",
    "terminal-stderr",
  ],
  "wasi:sockets": [
    "network",
    "instance-network",
    "udp",
    "udp-create-socket",
    "tcp",
    "tcp-create-socket",
    "ip-name-lookup",
  ],
};

const SHOWN_NAMES = 8;

/** Judges a component by its imports and exports; whether it can be linked is for the engine to say. */
export function judgeComponent(component: Component): ComponentVerdict {
  const runsAs = findEntry(listExports(component));
  return {
    ...(runsAs && { runsAs }),
    problems: [...findUnknown(listImports(component)), ...(runsAs === undefined ? [noEntry(component)] : [])],
  };
}

function findEntry(exports: readonly ListedInterface[]): ComponentVerdict["runsAs"] {
  const offers = (wanted: string) =>
    exports.some(({ name }) => {
      const { path, version } = splitName(name);
      return path === wanted && isVersion2(version);
    });
  if (offers("wasi:http/incoming-handler")) return "http";
  return offers("wasi:cli/run") ? "command" : undefined;
}

function noEntry(component: Component): WasmProblem {
  const names = listExports(component).map(({ name }) => name);
  const has = names.length === 0 ? "it exports nothing" : `its exports are ${listNames(names)}`;
  return {
    message: `it exports neither wasi:http/incoming-handler nor wasi:cli/run of version 0.2: ${has}`,
    hint: "Build it for the world wasi:http/proxy or wasi:cli/command",
  };
}

/** An interface that has only types is not asked for anything. */
function findUnknown(imports: readonly ListedInterface[]): WasmProblem[] {
  const unknown = imports.filter(({ name, functions }) => functions.length > 0 && !isKnown(name));
  if (unknown.length === 0) return [];
  return [
    {
      message: `it imports what a function does not get: ${listNames(unknown.map(({ name }) => name))}`,
      hint: "Interfaces of WASI 0.2 are all there is; others have to be composed into the component",
    },
  ];
}

function isKnown(name: string): boolean {
  const { path, version } = splitName(name);
  const [owner = "", item = ""] = path.split("/");
  return Object.hasOwn(KNOWN, owner) && (KNOWN[owner]?.includes(item) ?? false) && isVersion2(version);
}

function splitName(name: string): { path: string; version: string } {
  const [path = "", version = ""] = name.split("@");
  return { path, version };
}

function isVersion2(version: string): boolean {
  return /^0\.2\.\d+$/.test(version);
}

function listNames(names: readonly string[]): string {
  const more = names.length > SHOWN_NAMES ? ` and ${names.length - SHOWN_NAMES} more` : "";
  return `${names.slice(0, SHOWN_NAMES).join(", ")}${more}`;
}
