/**
 * `node:diagnostics_channel` for a function: Node's own channels, under names of the function's own.
 *
 * The channels on which Node's parts publish (net, undici, module …) are out of its reach: a name leads to a
 * channel that is known in the process by a symbol, and what would make one by its bare name is hidden.
 */

import * as node from "node:diagnostics_channel";
import type { Exports } from "./nodejs-compat.guest.ts";

type Name = string | symbol;

/** The module as one function sees it. */
export function createDiagnostics(): Exports {
  const channels = new Map<Name, node.Channel>();
  const channel = (name: Name): node.Channel => {
    const known = channels.get(name);
    if (known !== undefined) return known;
    if (typeof name !== "string" && typeof name !== "symbol") throw new TypeError("Cannot open a channel: no name");
    const created = node.channel(Symbol(String(name)));
    Object.defineProperty(created, "name", { value: name });
    channels.set(name, created);
    return created;
  };
  const openBounded = (name: string): node.BoundedChannelCollection => ({
    start: channel(`tracing:${name}:start`),
    end: channel(`tracing:${name}:end`),
  });
  const openTracing = (name: string): node.TracingChannelCollection => ({
    ...openBounded(name),
    asyncStart: channel(`tracing:${name}:asyncStart`),
    asyncEnd: channel(`tracing:${name}:asyncEnd`),
    error: channel(`tracing:${name}:error`),
  });
  const tracingChannel = (given: string | node.TracingChannelCollection) =>
    node.tracingChannel(typeof given === "string" ? openTracing(given) : given);
  const boundedChannel = (given: string | node.BoundedChannelCollection) =>
    node.boundedChannel(typeof given === "string" ? openBounded(given) : given);
  // Deno has no bounded channels.
  const bounded = "boundedChannel" in node ? { boundedChannel } : {};
  const samples = [channel(""), tracingChannel(""), ...Object.values(bounded).map((open) => open(""))];
  for (const sample of samples) {
    Object.defineProperty(Object.getPrototypeOf(sample), "constructor", { value: Object });
  }
  return {
    channel,
    hasSubscribers: (name: Name) => channels.get(name)?.hasSubscribers ?? false,
    subscribe: (name: Name, listener: node.ChannelListener) => channel(name).subscribe(listener),
    unsubscribe: (name: Name, listener: node.ChannelListener) => channel(name).unsubscribe(listener),
    tracingChannel,
    ...bounded,
  };
}
