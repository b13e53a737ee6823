/**
 * One storage process, from its start to its end: our code and SQLite, with one folder.
 *
 * It has no right to another file, no network, no environment, and no capability of the host's; SQLite itself is held to
 * its folder by the service that runs in it. It ends when its socket closes, and where setpriv is installed, with the
 * host, however that ends.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { Socket } from "node:net";
import type { Readable } from "node:stream";
import { Peer } from "../../frames/peer.ts";
import { NebulaError } from "../../model/errors.ts";
import { MIB } from "../../model/units.ts";

/** With what a storage process is started. */
export interface StorageProcessOptions {
  /** `database "main"`, for errors. */
  readonly what: string;
  /** The text of its code, one ES module. */
  readonly bundle: string;
  /** The one folder that it may read and write. */
  readonly dir: string;
  /** The path of setpriv (util-linux), where there is one. */
  readonly setpriv: string | undefined;
  readonly heapBytes: number;
}

const FRAMES_FD = 3;
const NODE_FLAGS = [
  "--permission",
  "--no-addons",
  "--disallow-code-generation-from-strings",
  "--disable-sigusr1",
  "--no-warnings",
  "--v8-pool-size=1",
  "--max-semi-space-size=16",
];
/** Writable memory that a process of this kind has mapped but mostly not touched, measured with room to spare. */
const BLANK_DATA_BYTES = 768 * MIB;
/** What SQLite may take, mostly to sort. */
const SQLITE_BYTES = 256 * MIB;
const STDERR_KEPT = 4_096;
/** It never calls the host. */
const MAX_INCOMING = 0;

/** A storage process that runs. */
export class StorageProcess {
  readonly peer: Peer;
  /** Fulfils when it is gone, with the reason why calls under way have failed. */
  readonly ended: Promise<NebulaError>;
  /** By the clock of whoever asks it, when it has last answered anything. */
  answeredAtMs = Number.NEGATIVE_INFINITY;
  readonly #options: StorageProcessOptions;
  readonly #child: ChildProcess;
  readonly #ended = Promise.withResolvers<NebulaError>();
  #stderr = "";
  #reason: NebulaError | undefined;
  #isDoomed = false;

  constructor(options: StorageProcessOptions) {
    this.#options = options;
    this.ended = this.#ended.promise;
    this.#child = start(options);
    const frames = this.#child.stdio[FRAMES_FD];
    // Spawning has failed, and "error" tells why.
    const socket = frames instanceof Socket ? frames : new Socket();
    this.peer = new Peer(socket, {
      side: "host",
      maxIncoming: MAX_INCOMING,
      onCall: () => {
        throw new NebulaError("NEBULA_INTERNAL", "Cannot answer a storage process");
      },
      onNote: () => {},
      onBroken: () => {
        this.#isDoomed = true;
        this.#child.kill("SIGKILL");
      },
    });
    this.#child.stdin?.on("error", () => {
      // because a process that died before it read its code is reported by its end
    });
    this.#child.stdin?.end(options.bundle);
    keepTail(this.#child.stderr, (text) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_KEPT);
    });
    this.#child.once("error", (error) => this.#end(`it cannot be started: ${error.message}`));
    // "close" and not "exit", because standard error may say why, and comes with the latter.
    this.#child.once("close", (code, signal) => this.#end(signal === null ? `exit code ${code}` : `signal ${signal}`));
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Whether it is on its way out, and can be asked no more. */
  get isDoomed(): boolean {
    return this.#isDoomed;
  }

  /** Ends the process at once. The first reason given is the one that its calls fail with. */
  kill(reason: NebulaError): void {
    this.#reason ??= reason;
    this.#isDoomed = true;
    this.#child.kill("SIGKILL");
  }

  #end(how: string): void {
    const { what } = this.#options;
    const details = { how, stderr: this.#stderr.trim().slice(-1_000) };
    const reason = new NebulaError("NEBULA_STORAGE_ENDED", `Cannot go on with ${what}: its process has ended`, {
      details,
    });
    this.peer.close();
    this.#ended.resolve(this.#reason ?? reason);
  }
}

function start({ dir, setpriv, heapBytes }: StorageProcessOptions): ChildProcess {
  const dataKib = Math.ceil((BLANK_DATA_BYTES + heapBytes + SQLITE_BYTES) / 1024);
  return spawn(
    "/bin/sh",
    [
      "-c",
      // Shells export some variables of their own: the environment is empty.
      `ulimit -c 0; ulimit -d ${dataKib}; unset PWD OLDPWD SHLVL _; exec "$@"`,
      "storage",
      ...(setpriv === undefined ? [] : [setpriv, ...privileges()]),
      process.execPath,
      ...NODE_FLAGS,
      `--allow-fs-read=${dir}`,
      `--allow-fs-write=${dir}`,
      `--max-old-space-size=${Math.ceil(heapBytes / MIB)}`,
      "--input-type=module",
      "-",
    ],
    {
      cwd: dir,
      env: {},
      // Away from the terminal's process group: Ctrl-C is the host's to answer.
      detached: true,
      stdio: ["pipe", "ignore", "pipe", "pipe"],
    },
  );
}

/** The user stays: the files are the host's. */
function privileges(): string[] {
  const capabilities = process.getuid?.() === 0 ? ["--bounding-set=-all", "--inh-caps=-all"] : [];
  return [...capabilities, "--no-new-privs", "--pdeathsig=KILL", "--"];
}

function keepTail(stream: Readable | null, add: (text: string) => void): void {
  stream?.setEncoding("utf8").on("data", add);
}
