/**
 * What a container prints: frames of Docker's attach stream, lines for the log, and the last of it for errors.
 *
 *     [1|2, 0, 0, 0, length (4 bytes, big-endian)] bytes …        1: standard output, 2: standard error
 *
 * Reading costs the host something, so that there is a budget for each second. A container that prints more waits
 * until somebody reads, as any program does whose pipe is full; of what is read, the log takes a part.
 * @see https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerAttach
 */

import type { Readable } from "node:stream";
import { NebulaError } from "../../model/errors.ts";
import type { Clock, GuestLog } from "../../model/ports.ts";
import { formatBytes, KIB, MIB } from "../../model/units.ts";
import { LineCutter } from "./lines.ts";

/** Which of its two outputs. */
export type OutputName = "stdout" | "stderr";

/** Takes the frames of an attach stream apart, however they come. */
export class Demultiplexer {
  readonly #onBytes: (name: OutputName, bytes: Buffer) => void;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #headerBytes = 0;
  #leftBytes = 0;

  constructor(onBytes: (name: OutputName, bytes: Buffer) => void) {
    this.#onBytes = onBytes;
  }

  /** @throws {NebulaError} NEBULA_PROTOCOL_BROKEN when it is no such stream. */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.byteLength) at = this.#leftBytes > 0 ? this.#pass(chunk, at) : this.#readHeader(chunk, at);
  }

  #pass(chunk: Buffer, at: number): number {
    const piece = chunk.subarray(at, at + this.#leftBytes);
    this.#leftBytes -= piece.byteLength;
    this.#onBytes(this.#header[0] === STDERR ? "stderr" : "stdout", piece);
    return at + piece.byteLength;
  }

  #readHeader(chunk: Buffer, at: number): number {
    const copied = chunk.copy(this.#header, this.#headerBytes, at, at + HEADER_BYTES - this.#headerBytes);
    this.#headerBytes += copied;
    if (this.#headerBytes === HEADER_BYTES) {
      const [kind = 0, ...zeros] = this.#header.subarray(0, 4);
      if (kind > STDERR || zeros.some((byte) => byte !== 0)) {
        throw new NebulaError(
          "NEBULA_PROTOCOL_BROKEN",
          "Cannot read what the container prints: Docker sends no frames",
        );
      }
      this.#leftBytes = this.#header.readUInt32BE(4);
      this.#headerBytes = 0;
    }
    return at + copied;
  }
}

/** Read of one container in one second. */
const READ_BYTES_PER_SECOND = MIB;
/** Of that, what is written to the log. */
const LOG_BYTES_PER_SECOND = 64 * KIB;
/** What a line costs besides its text: to be found here, and to be written with its time and function. */
const LINE_BYTES = 32;
/** Kept for errors. */
const TAIL_BYTES = 4 * KIB;
const SECOND_MS = 1_000;
const HEADER_BYTES = 8;
const STDERR = 2;

/** Where lines go. */
export interface OutputOptions {
  readonly clock: Clock;
  readonly log: GuestLog;
}

/** What one container prints while it runs. */
export class ContainerOutput implements Disposable {
  readonly #options: OutputOptions;
  readonly #lines = { stdout: new LineCutter(), stderr: new LineCutter() };
  #tail = "";
  #readBytes = 0;
  #loggedBytes = 0;
  #droppedBytes = 0;
  #second: Disposable | undefined;
  #source: Readable | undefined;

  constructor(options: OutputOptions) {
    this.#options = options;
  }

  /** The last lines of both outputs. */
  get tail(): string {
    const rest = this.#lines.stdout.rest + this.#lines.stderr.rest;
    return (this.#tail + rest).trimEnd().slice(-TAIL_BYTES);
  }

  /** Reads a stream until it ends. */
  read(source: Readable): void {
    this.#source = source;
    const demultiplexer = new Demultiplexer((name, bytes) => this.#take(name, bytes));
    source.on("data", (chunk: Buffer) => {
      try {
        demultiplexer.push(chunk);
      } catch {
        // because the log of a container is no reason to end it
        source.destroy();
        return;
      }
      this.#count(chunk.byteLength);
    });
    // because the end of the container is told elsewhere
    source.on("error", () => {});
    source.on("close", () => {
      for (const name of ["stdout", "stderr"] as const) this.#write(name, this.#lines[name].flush());
    });
  }

  [Symbol.dispose](): void {
    this.#second?.[Symbol.dispose]();
    this.#source?.destroy();
  }

  #take(name: OutputName, bytes: Buffer): void {
    for (const line of this.#lines[name].push(bytes)) this.#write(name, line);
  }

  #write(name: OutputName, line: string): void {
    this.#readBytes += LINE_BYTES;
    if (line === "") return;
    this.#tail = `${this.#tail}${line}\n`.slice(-TAIL_BYTES);
    if (this.#loggedBytes > LOG_BYTES_PER_SECOND) {
      this.#droppedBytes += line.length;
      return;
    }
    this.#loggedBytes += line.length + LINE_BYTES;
    this.#options.log(name === "stderr" ? "error" : "log", line);
  }

  /** The second begins with the first bytes in it. */
  #count(bytes: number): void {
    this.#readBytes += bytes;
    this.#second ??= this.#options.clock.after(SECOND_MS, () => this.#nextSecond());
    if (this.#readBytes > READ_BYTES_PER_SECOND) this.#source?.pause();
  }

  #nextSecond(): void {
    this.#second = undefined;
    const wasHeld = this.#readBytes > READ_BYTES_PER_SECOND;
    if (this.#droppedBytes > 0) {
      const more = wasHeld ? ", and it waits for the rest to be read" : "";
      const dropped = formatBytes(this.#droppedBytes);
      this.#options.log("warn", `${dropped} of output are not in the log: it prints too much in one second${more}`);
    }
    this.#readBytes = 0;
    this.#loggedBytes = 0;
    this.#droppedBytes = 0;
    this.#source?.resume();
  }
}
