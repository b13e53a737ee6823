/**
 * Blobs and files, all of them in memory.
 *
 * @see https://w3c.github.io/FileAPI/
 */

import { decodeText, encodeText, join, toBytes } from "./encoding.ts";
import { NebulaReadableStream } from "./streams.ts";

type BlobPart = NebulaBlob | ArrayBuffer | ArrayBufferView | string;

/** `Blob`. */
export class NebulaBlob {
  readonly #bytes: Uint8Array;
  readonly #type: string;

  constructor(parts: Iterable<BlobPart> = [], { type = "", endings = "transparent" } = {}) {
    if (typeof parts !== "object" || parts === null) throw new TypeError("Cannot make a Blob: the parts are no list");
    this.#bytes = join([...parts].map((part) => toPart(part, endings)));
    this.#type = /[^\u0020-\u007e]/.test(String(type)) ? "" : String(type).toLowerCase();
  }

  get size(): number {
    return this.#bytes.length;
  }

  get type(): string {
    return this.#type;
  }

  async bytes(): Promise<Uint8Array> {
    return this.#bytes.slice();
  }

  async arrayBuffer(): Promise<ArrayBufferLike> {
    return this.#bytes.slice().buffer;
  }

  async text(): Promise<string> {
    return decodeText(this.#bytes);
  }

  slice(start = 0, end = this.size, type = ""): NebulaBlob {
    return new NebulaBlob([this.#bytes.slice(start, end)], { type });
  }

  stream(): NebulaReadableStream {
    const bytes = this.#bytes;
    return new NebulaReadableStream({
      type: "bytes",
      start: (controller) => {
        if (bytes.length > 0) controller.enqueue(bytes.slice());
        controller.close();
      },
    });
  }

  get [Symbol.toStringTag](): string {
    return "Blob";
  }

  /** The bytes themselves, not to be changed. */
  static bytesOf(blob: NebulaBlob): Uint8Array {
    return blob.#bytes;
  }
}

const { bytesOf } = NebulaBlob;
Reflect.deleteProperty(NebulaBlob, "bytesOf");
/** The bytes themselves, not to be changed. */
export const blobBytes = bytesOf;

/** `File`. */
export class NebulaFile extends NebulaBlob {
  readonly #name: string;
  readonly #lastModified: number;

  constructor(parts: Iterable<BlobPart>, name: string, options: { type?: string; lastModified?: number } = {}) {
    super(parts, options);
    this.#name = String(name);
    this.#lastModified = options.lastModified ?? Date.now();
  }

  get name(): string {
    return this.#name;
  }

  get lastModified(): number {
    return this.#lastModified;
  }

  get webkitRelativePath(): string {
    return "";
  }

  override get [Symbol.toStringTag](): string {
    return "File";
  }
}

function toPart(part: BlobPart, endings: string): Uint8Array {
  if (part instanceof NebulaBlob) return blobBytes(part);
  if (part instanceof ArrayBuffer || ArrayBuffer.isView(part)) return toBytes(part);
  const text = String(part);
  return encodeText(endings === "native" ? text.replace(/\r\n?/g, "\n") : text);
}
