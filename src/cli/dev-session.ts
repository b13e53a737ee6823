/**
 * The node follows the folder: what changes is built and deployed again.
 *
 *     idle ─ change ─▶ deploying ─▶ idle
 *                          └ change ─▶ once more, when this one has ended
 *
 * New folders in `functions/` become functions and those of folders that are gone are taken off the node. A failure keeps
 * the old version serving. Starts no node and watches nothing itself.
 */

import { dirname, sep } from "node:path";
import { mapConcurrently } from "../build/map-concurrently.ts";
import { formatMs } from "../model/units.ts";
import { Deployable, type DeployableParts, type Outcome } from "./deployable.ts";
import { findProjects, type ProjectPlace, toFunctionsDir } from "./projects.ts";
import { BUILDS_AT_ONCE } from "./serving.ts";
import type { Watcher } from "./watch.ts";

/** The projects of a session, and the node that they go to. */
export interface DevSessionOptions extends Omit<DeployableParts, "hasDevVars" | "names" | "told"> {
  /** Absolute. */
  readonly dir: string;
  readonly signal: AbortSignal;
}

interface Member {
  readonly deployable: Deployable;
  /** The deployment under way, with those that changes during it asked for. */
  running: Promise<void> | undefined;
  /** When the oldest change came that no deployment has taken up. */
  changedAtMs: number | undefined;
}

/** The projects of `nebula dev` while it runs. */
export class DevSession implements AsyncDisposable {
  readonly #options: DevSessionOptions;
  readonly #parts: DeployableParts;
  readonly #members = new Map<string, Member>();
  #watcher: Watcher | undefined;
  /** Changes of the list of projects, one after another; and those of what is watched. */
  #discovering: Promise<void> = Promise.resolve();
  #watching: Promise<void> = Promise.resolve();

  constructor(options: DevSessionOptions) {
    this.#options = options;
    this.#parts = { ...options, hasDevVars: true, names: new Map(), told: new Map() };
  }

  /** Deploys every project once and takes off the node what has no folder any more. */
  async deployAll(): Promise<readonly Outcome[]> {
    const { dir, signal } = this.#options;
    const members = (await findProjects(dir)).map((place) => this.#add(place));
    const outcomes = await mapConcurrently(members, BUILDS_AT_ONCE, ({ deployable }) => deployable.deploy({ signal }));
    await this.#removeStrangers();
    return outcomes;
  }

  /** Follows the folder from now on. Resolves when no change goes unseen. */
  async follow(watcher: Watcher): Promise<void> {
    this.#watcher = watcher;
    await this.#watch();
  }

  /** Takes up what changed: deploys the projects that it is a part of. */
  onChange(paths: ReadonlySet<string>): void {
    const atMs = performance.now();
    const changed = [...paths];
    if (changed.some((path) => this.#isAboutList(path))) this.#discover(atMs);
    for (const member of this.#members.values()) {
      if (changed.some((path) => isPart(path, member.deployable))) this.#schedule(member, atMs);
    }
  }

  /** Whether the path may be the coming or going of a project. */
  #isAboutList(path: string): boolean {
    const { dir } = this.#options;
    const functionsDir = toFunctionsDir(dir);
    return dirname(path) === dir || [path, dirname(path), dirname(dirname(path))].includes(functionsDir);
  }

  #discover(atMs: number): void {
    const discover = async () => {
      // Until nothing is found any more: what came before its folder was watched was told by nobody.
      while (await this.#takeUpList(atMs)) await this.#watch();
      await this.#watch();
    };
    this.#discovering = this.#discovering.then(discover).catch((thrown: unknown) => this.#tell(thrown));
  }

  /** Whether anything came or went. */
  async #takeUpList(atMs: number): Promise<boolean> {
    const places = await findProjects(this.#options.dir);
    const dirs = new Set(places.map((place) => place.dir));
    const gone = [...this.#members.values()].filter(({ deployable }) => !dirs.has(deployable.place.dir));
    for (const member of gone) await this.#remove(member);
    const come = places.filter((place) => !this.#members.has(place.dir)).map((place) => this.#add(place));
    for (const member of come) this.#schedule(member, atMs);
    return gone.length + come.length > 0;
  }

  #add(place: ProjectPlace): Member {
    const member = { deployable: new Deployable(place, this.#parts), running: undefined, changedAtMs: undefined };
    this.#members.set(place.dir, member);
    return member;
  }

  #schedule(member: Member, atMs: number): void {
    member.changedAtMs ??= atMs;
    member.running ??= this.#run(member);
  }

  /** Never rejects. */
  async #run(member: Member): Promise<void> {
    const { signal } = this.#options;
    try {
      while (member.changedAtMs !== undefined && !signal.aborted) {
        const sinceMs = member.changedAtMs;
        member.changedAtMs = undefined;
        this.#tellOutcome(member.deployable, { outcome: await member.deployable.deploy({ signal }), sinceMs });
        await this.#watch();
      }
    } catch (thrown) {
      this.#tell(thrown);
    } finally {
      member.running = undefined;
    }
  }

  #tellOutcome({ name, isServed }: Deployable, { outcome, sinceMs }: { outcome: Outcome; sinceMs: number }): void {
    const { print } = this.#options;
    if (outcome.state === "failed") print.talk(isServed ? `kept ${name} as it was` : `${name} does not serve yet`);
    else if (outcome.isNew) print.talk(`reloaded ${name} in ${formatMs(performance.now() - sinceMs)}`);
  }

  async #remove(member: Member): Promise<void> {
    const { deployable } = member;
    this.#members.delete(deployable.place.dir);
    member.changedAtMs = undefined;
    await member.running;
    await deployable.remove();
    this.#options.print.talk(`removed ${deployable.name}`);
  }

  /** Functions of an earlier session; only when every folder's name is known, or one of them could be meant. */
  async #removeStrangers(): Promise<void> {
    const { client, print, signal } = this.#options;
    const members = [...this.#members.values()];
    if (members.some(({ deployable }) => !deployable.isNamed)) return;
    const names = new Set(members.map(({ deployable }) => deployable.name));
    for (const { name } of await client.listFunctions({ signal })) {
      if (names.has(name)) continue;
      await client.removeFunction(name, { signal });
      print.talk(`removed ${name}`);
    }
  }

  /** Watches what counts now. */
  #watch(): Promise<void> {
    const { dir } = this.#options;
    const watch = async () => {
      const paths = [...this.#members.values()].flatMap(({ deployable }) => deployable.inputs);
      // An empty folder in functions/ becomes a function with its first file.
      const folders = [
        { path: dir, depth: 0 },
        { path: toFunctionsDir(dir), depth: 1 },
      ];
      await this.#watcher?.watch({ paths, folders });
    };
    this.#watching = this.#watching.then(watch).catch((thrown: unknown) => this.#tell(thrown));
    return this.#watching;
  }

  #tell(thrown: unknown): void {
    if (!this.#options.signal.aborted) this.#options.print.report(thrown);
  }

  /** Waits for what is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#discovering;
    const members = [...this.#members.values()];
    await Promise.all(members.map(({ running }) => running));
    await Promise.all(members.map(({ deployable }) => deployable[Symbol.asyncDispose]()));
  }
}

function isPart(path: string, { inputs, place }: Deployable): boolean {
  // A root project that cannot be read has its whole folder watched, but the functions in it are others' business.
  if (place.isRoot && path.startsWith(toFunctionsDir(place.dir) + sep) && inputs.includes(place.dir)) return false;
  return inputs.some((input) => path === input || path.startsWith(input + sep));
}
