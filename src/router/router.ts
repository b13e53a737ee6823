/**
 * Where requests go: one table, replaced whole. Nothing on the request path ever waits for it.
 */

import { createRouteTable, type RouteEntry, type RouteMatch, type RouteTable } from "./route-table.ts";

/** The functions that serve, and the table that leads to them. Replaced whole, so that a request sees one or the other. */
export class Router<T> {
  #entries: ReadonlyMap<string, RouteEntry<T>> = new Map();
  #table: RouteTable<T> = createRouteTable<T>([]);

  /** What serves now, by function name. */
  get entries(): ReadonlyMap<string, RouteEntry<T>> {
    return this.#entries;
  }

  /** @see RouteTable.match */
  match(host: string, path: string): RouteMatch<T> | undefined {
    return this.#table.match(host, path);
  }

  /** Puts one function in the place of its predecessor, which is given back. The only moment traffic moves. */
  replace(entry: RouteEntry<T>): T | undefined {
    const previous = this.#entries.get(entry.name)?.target;
    this.#set(new Map(this.#entries).set(entry.name, entry));
    return previous;
  }

  /** Takes a function out, and gives it back. */
  remove(name: string): T | undefined {
    const previous = this.#entries.get(name)?.target;
    const entries = new Map(this.#entries);
    entries.delete(name);
    this.#set(entries);
    return previous;
  }

  #set(entries: ReadonlyMap<string, RouteEntry<T>>): void {
    this.#table = createRouteTable([...entries.values()]);
    this.#entries = entries;
  }
}
