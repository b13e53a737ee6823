/**
 * What the functions of preview 1 work on: one program's memory, descriptors, arguments and clock.
 */

import type { ProgramIo } from "../program-io.guest.ts";
import type { ByteSink } from "../streams.guest.ts";
import { type Descriptor, Descriptors } from "./descriptors.guest.ts";
import { GuestMemory } from "./guest-memory.guest.ts";
import { Input } from "./input.guest.ts";
import { ALL_RIGHTS, DIRECTORY_RIGHTS, INPUT_RIGHTS, OUTPUT_RIGHTS } from "./rights.guest.ts";

/** The two editions of preview 1, by the module name under which programs import them. */
export type Edition = "wasi_snapshot_preview1" | "wasi_unstable";

/** What a function answers: an error number, at once or after a wait. */
export type Errno = number | Promise<number>;

/** One program's side of preview 1. */
export class Host {
  readonly memory = new GuestMemory();
  readonly descriptors: Descriptors;
  readonly options: ProgramIo;
  edition: Edition = "wasi_snapshot_preview1";
  #args: TextList | undefined;
  #env: TextList | undefined;
  #cpuStartNs: bigint | undefined;

  constructor(options: ProgramIo) {
    this.options = options;
    this.descriptors = new Descriptors(open(options));
  }

  get args(): TextList {
    this.#args ??= encodeList(this.options.args);
    return this.#args;
  }

  get env(): TextList {
    this.#env ??= encodeList(Object.entries(this.options.env).map(([name, value]) => `${name}=${value}`));
    return this.#env;
  }

  /** Counts from the first time that it is asked. */
  cpuNs(): bigint {
    const now = this.options.clock.monotonicNs();
    this.#cpuStartNs ??= now;
    return now - this.#cpuStartNs;
  }
}

function open({ stdin, stdout, stderr, preopens }: ProgramIo): Descriptor[] {
  const toOutput = (sink: ByteSink): Descriptor => ({
    kind: "output",
    sink,
    rights: OUTPUT_RIGHTS,
    inheriting: 0,
    flags: 0,
  });
  return [
    { kind: "input", input: new Input(stdin), rights: INPUT_RIGHTS, inheriting: 0, flags: 0 },
    toOutput(stdout),
    toOutput(stderr),
    ...preopens.map(
      ({ path, directory }): Descriptor => ({
        kind: "directory",
        node: directory,
        preopenPath: path,
        rights: DIRECTORY_RIGHTS,
        inheriting: ALL_RIGHTS,
        flags: 0,
      }),
    ),
  ];
}

/** Texts as C has them: one after the other, each with a zero byte at its end. */
export interface TextList {
  readonly bytes: Uint8Array;
  /** Where each text starts in `bytes`. */
  readonly starts: readonly number[];
}

const ENCODER = new TextEncoder();

/** A text ends at its first NUL, as it would in C: what comes after must not become a text of its own. */
function encodeList(texts: readonly string[]): TextList {
  const bytes = ENCODER.encode(texts.map((text) => `${text.split("\0", 1)[0]}\0`).join(""));
  const starts: number[] = [];
  for (let at = 0; at < bytes.length; at = bytes.indexOf(0, at) + 1) starts.push(at);
  return { bytes, starts };
}
