/**
 * What requests and responses carry.
 *
 * A body keeps what it was made of, text or bytes or a stream, until somebody reads it: most are never a stream.
 * @see https://fetch.spec.whatwg.org/#body-mixin
 */

import { blobBytes, NebulaBlob } from "./blob.ts";
import { decodeText, encodeText, join, toBytes } from "./encoding.ts";
import { NebulaFormData } from "./form-data.ts";
import { parseMultipart, writeMultipart } from "./multipart.ts";
import { NebulaReadableStream } from "./streams.ts";
import { NebulaURLSearchParams } from "./url-search-params.ts";

/** Where the bytes of a body are, or come from. */
export type BodySource = string | Uint8Array | NebulaReadableStream<Uint8Array>;

/** A body as it was given, and the type that it has of itself. */
export interface ExtractedBody {
  readonly source: BodySource;
  readonly type: string | undefined;
}

/** What any value stands for as a body. */
export function extractBody(value: unknown): ExtractedBody {
  if (value instanceof NebulaReadableStream) {
    if (value.locked) throw new TypeError("Cannot use this ReadableStream as a body: it is locked");
    return { source: value, type: undefined };
  }
  if (value instanceof NebulaBlob) return { source: blobBytes(value), type: value.type || undefined };
  if (value instanceof ArrayBuffer) return { source: new Uint8Array(value.slice(0)), type: undefined };
  if (ArrayBuffer.isView(value)) return { source: toBytes(value).slice(), type: undefined };
  if (value instanceof NebulaFormData) {
    const { bytes, boundary } = writeMultipart(value);
    return { source: bytes, type: `multipart/form-data; boundary=${boundary}` };
  }
  if (value instanceof NebulaURLSearchParams) {
    return { source: value.toString(), type: "application/x-www-form-urlencoded;charset=UTF-8" };
  }
  return { source: String(value), type: "text/plain;charset=UTF-8" };
}

/** The half of Request and Response that reads. */
export abstract class BodyReader {
  #source: BodySource | undefined;
  #stream: NebulaReadableStream<Uint8Array> | null | undefined;
  #isUsed = false;

  /** `null`: there is none. */
  protected constructor(source: BodySource | null) {
    if (source === null) this.#stream = null;
    else if (source instanceof NebulaReadableStream) this.#stream = source;
    else this.#source = source;
  }

  protected abstract contentType(): string;

  get body(): NebulaReadableStream<Uint8Array> | null {
    if (this.#stream === undefined) {
      const bytes = this.#takeWhole();
      const isUsed = this.#isUsed;
      this.#stream = new NebulaReadableStream({
        type: "bytes",
        start: (controller) => {
          if (bytes.length > 0 && !isUsed) controller.enqueue(bytes);
          controller.close();
        },
      });
    }
    return this.#stream;
  }

  get bodyUsed(): boolean {
    return this.#isUsed || (this.#stream !== undefined && this.#stream !== null && isDisturbed(this.#stream));
  }

  async bytes(): Promise<Uint8Array> {
    return this.#consume();
  }

  async arrayBuffer(): Promise<ArrayBufferLike> {
    const bytes = await this.#consume();
    return bytes.byteLength === bytes.buffer.byteLength ? bytes.buffer : bytes.slice().buffer;
  }

  async text(): Promise<string> {
    if (typeof this.#source === "string" && !this.#isUsed) {
      this.#isUsed = true;
      return this.#source.toWellFormed();
    }
    return decodeText(await this.#consume());
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text());
  }

  async blob(): Promise<NebulaBlob> {
    return new NebulaBlob([await this.#consume()], { type: this.contentType() });
  }

  async formData(): Promise<NebulaFormData> {
    const type = this.contentType();
    if (/^multipart\/form-data/i.test(type)) return parseMultipart(await this.#consume(), type);
    if (!/^application\/x-www-form-urlencoded/i.test(type))
      throw new TypeError("Cannot read form data: the body is none");
    const data = new NebulaFormData();
    for (const [name, value] of new NebulaURLSearchParams(await this.text())) data.append(name, value);
    return data;
  }

  async #consume(): Promise<Uint8Array> {
    if (this.bodyUsed) throw new TypeError("Body is unusable: Body has already been read");
    if (this.#stream === undefined) {
      this.#isUsed = true;
      return this.#takeWhole();
    }
    if (this.#stream === null) return new Uint8Array();
    if (this.#stream.locked) throw new TypeError("Body is unusable: its stream is locked");
    this.#isUsed = true;
    return await readWhole(this.#stream);
  }

  #takeWhole(): Uint8Array {
    const source = this.#source;
    return typeof source === "string" ? encodeText(source) : source instanceof Uint8Array ? source : new Uint8Array();
  }

  /** The source for sending, used up by this; `undefined` when it was used before. */
  static take(reader: BodyReader): BodySource | null | undefined {
    if (reader.bodyUsed || reader.#stream?.locked === true) return undefined;
    reader.#isUsed = true;
    return reader.#stream === undefined ? (reader.#source ?? null) : reader.#stream;
  }

  /** A source for a copy; a stream is split in two. */
  static split(reader: BodyReader): BodySource | null {
    if (reader.bodyUsed || reader.#stream?.locked === true)
      throw new TypeError("Cannot clone: the body has been used already");
    if (reader.#stream === undefined) return reader.#source ?? null;
    if (reader.#stream === null) return null;
    const [one, other] = reader.#stream.tee();
    reader.#stream = one;
    return other;
  }
}

const { take, split } = BodyReader;
Reflect.deleteProperty(BodyReader, "take");
Reflect.deleteProperty(BodyReader, "split");
/** The source of a body for sending, used up by this; `undefined` when it was used before. */
export const takeBody = take;
/** A source for a copy of a body; a stream is split in two. */
export const splitBody = split;

/** Reads a stream of bytes to its end. */
export async function readWhole(stream: NebulaReadableStream<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (!(value instanceof Uint8Array)) throw new TypeError("Received a chunk of a body that is no Uint8Array");
    pieces.push(value);
  }
  const [only] = pieces;
  return pieces.length === 1 && only !== undefined ? only : join(pieces);
}

/** The library keeps it in a field that has no public name. */
function isDisturbed(stream: object): boolean {
  return Reflect.get(stream, "_disturbed") === true;
}
