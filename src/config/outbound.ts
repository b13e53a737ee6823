/**
 * `[nebula] outbound`: hosts that a function's `fetch` may reach.
 */

import type { EngineName } from "../model/function.ts";
import type { Findings } from "./findings.ts";
import { parseHostPattern } from "./host-pattern.ts";
import { findText, listElements, type Value } from "./value.ts";

/** A container has all of the network with it, and nothing without. */
const ALL = "*";

/**
 * Reads the list; each entry is `host`, `*.host` or an address, with or without a port, or `*` for containers. Notes
 * what the engines cannot make anything of.
 */
export function readOutbound(
  list: Value | undefined,
  { engines, findings }: { engines: readonly EngineName[]; findings: Findings },
): readonly string[] {
  const hasContainer = engines.includes("container");
  const hosts = new Set<string>();
  for (const element of listElements(list)) {
    const text = findText(element);
    if (text === undefined) continue;
    const problem = hasContainer && text === ALL ? undefined : findProblem(text);
    const host = parseHostPattern(text);
    if (problem === undefined && "pattern" in host) hosts.add(host.pattern);
    else {
      const what = problem ?? { what: "problem" in host ? host.problem : "" };
      findings.onValue(element.path, `is not a valid host: ${what.what}`, { hint: what.hint });
    }
  }
  if (list && hasContainer && hosts.size > 0) warnAllOrNothing(list, { hosts, engines, findings });
  return [...hosts];
}

interface AllOrNothing {
  readonly hosts: ReadonlySet<string>;
  readonly engines: readonly EngineName[];
  readonly findings: Findings;
}

function warnAllOrNothing({ path }: Value, { hosts, engines, findings }: AllOrNothing): void {
  const others = engines.filter((engine) => engine !== "container").map((engine) => `"${engine}"`);
  if (!hosts.has(ALL)) {
    findings.onKey(path, "gives a container nothing: it has all of the network or none, whatever hosts are named", {
      severity: "warning",
      hint: 'write outbound = ["*"] to give it all',
    });
  } else if (hosts.size > 1 && others.length === 0) {
    findings.onKey(path, 'names hosts beside "*", which gives a container all of the network', { severity: "warning" });
  } else if (hosts.size === 1 && others.length > 0) {
    findings.onKey(path, `gives all of the network to a container, and nothing to ${others.join(" and ")}`, {
      severity: "warning",
      hint: "name the hosts that they may reach, too",
    });
  }
}

function findProblem(text: string): { readonly what: string; readonly hint?: string } | undefined {
  if (text.includes("://")) return { what: "it has a scheme", hint: "write the host alone, with its port if need be" };
  if (/[/?#]/.test(text)) return { what: "it has a path", hint: "write the host alone, with its port if need be" };
  if (text.includes("@")) return { what: "it has a user name" };
  if (/^\*(?!\.)/.test(text)) return { what: "a * stands for whole labels", hint: "write hosts as *.example.com" };
  return undefined;
}
