/**
 * `[nebula] outbound`: hosts that a function's `fetch` may reach.
 */

import type { Findings } from "./findings.ts";
import { parseHostPattern } from "./host-pattern.ts";
import { findText, listElements, type Value } from "./value.ts";

/** Reads the list; each entry is `host`, `*.host` or an address, with or without a port. */
export function readOutbound(list: Value | undefined, findings: Findings): readonly string[] {
  const hosts = new Set<string>();
  for (const element of listElements(list)) {
    const text = findText(element);
    if (text === undefined) continue;
    const problem = findProblem(text);
    const host = parseHostPattern(text);
    if (problem === undefined && "pattern" in host) hosts.add(host.pattern);
    else {
      const what = problem ?? { what: "problem" in host ? host.problem : "" };
      findings.onValue(element.path, `is not a valid host: ${what.what}`, { hint: what.hint });
    }
  }
  return [...hosts];
}

function findProblem(text: string): { readonly what: string; readonly hint?: string } | undefined {
  if (text.includes("://")) return { what: "it has a scheme", hint: "write the host alone, with its port if need be" };
  if (/[/?#]/.test(text)) return { what: "it has a path", hint: "write the host alone, with its port if need be" };
  if (text.includes("@")) return { what: "it has a user name" };
  if (/^\*(?!\.)/.test(text)) return { what: "a * stands for whole labels", hint: "write hosts as *.example.com" };
  return undefined;
}
