/**
 * The files that a program finds: an empty directory that is its own, what ships with it, what it has kept.
 *
 *     /          in memory, gone with the invocation
 *     /data …    read-only, shared by all invocations
 *     /state     as the last invocation left it
 */

import type { WasiClock } from "./clock.guest.ts";
import type { Directory } from "./files/directory.guest.ts";
import { openImage, openTree } from "./files/tree.guest.ts";
import type { NamedDirectory } from "./program-io.guest.ts";
import { StateDirectory } from "./state.guest.ts";

/** What there is to find. */
export interface ProgramFilesOptions {
  /** By absolute path. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly statePath: string | undefined;
  readonly state: Uint8Array;
  readonly clock: WasiClock;
}

const MAX_BYTES = 64 * 1024 * 1024;

/** The files of one program. */
export class ProgramFiles {
  readonly #clock: WasiClock;
  readonly #image: Directory | undefined;
  readonly #statePath: string | undefined;
  /** Of a program that keeps a directory. */
  readonly state: StateDirectory | undefined;

  constructor({ files, statePath, state, clock }: ProgramFilesOptions) {
    this.#clock = clock;
    this.#image = files.size === 0 ? undefined : openImage(files);
    this.#statePath = statePath;
    this.state = statePath === undefined ? undefined : new StateDirectory(state, () => clock.nowNs());
  }

  /** What one invocation finds. */
  open(): NamedDirectory[] {
    const { nowNs } = this.#clock;
    const base = this.#image === undefined ? {} : { base: this.#image };
    const root = { path: "/", directory: openTree({ nowNs, maxBytes: MAX_BYTES, ...base }) };
    if (this.state === undefined || this.#statePath === undefined) return [root];
    return [root, { path: this.#statePath, directory: this.state.open() }];
  }
}
