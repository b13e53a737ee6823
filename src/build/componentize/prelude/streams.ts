/**
 * Streams, as web-streams-polyfill makes them, and those for text on top of them.
 *
 * Our promises are installed before it is loaded: the library keeps the class that it finds.
 * @see https://streams.spec.whatwg.org/
 */

import "./install-promise.ts";

import { ReadableStream, TransformStream } from "web-streams-polyfill";
import { encodeText, NebulaTextDecoder } from "./encoding.ts";

export {
  ByteLengthQueuingStrategy,
  CountQueuingStrategy,
  ReadableByteStreamController,
  ReadableStreamBYOBReader,
  ReadableStreamBYOBRequest,
  ReadableStreamDefaultController,
  ReadableStreamDefaultReader,
  TransformStreamDefaultController,
  WritableStream,
  WritableStreamDefaultController,
  WritableStreamDefaultWriter,
} from "web-streams-polyfill";
export { ReadableStream as NebulaReadableStream, TransformStream as NebulaTransformStream };

/** `TextEncoderStream`. */
export class NebulaTextEncoderStream {
  readonly #transform: TransformStream<string, Uint8Array>;

  constructor() {
    let high = "";
    this.#transform = new TransformStream({
      transform: (chunk, controller) => {
        const text = high + String(chunk);
        high = /[\ud800-\udbff]$/.exec(text)?.[0] ?? "";
        const whole = high === "" ? text : text.slice(0, -1);
        if (whole !== "") controller.enqueue(encodeText(whole));
      },
      flush: (controller) => {
        if (high !== "") controller.enqueue(encodeText("\ufffd"));
      },
    });
  }

  get encoding(): string {
    return "utf-8";
  }

  get readable(): ReadableStream<Uint8Array> {
    return this.#transform.readable;
  }

  get writable(): unknown {
    return this.#transform.writable;
  }
}

/** `TextDecoderStream`. */
export class NebulaTextDecoderStream {
  readonly #decoder: NebulaTextDecoder;
  readonly #transform: TransformStream<Uint8Array, string>;

  constructor(label?: unknown, options?: { readonly fatal?: boolean; readonly ignoreBOM?: boolean }) {
    const decoder = new NebulaTextDecoder(label, options);
    this.#decoder = decoder;
    this.#transform = new TransformStream({
      transform: (chunk, controller) => {
        const text = decoder.decode(chunk, { stream: true });
        if (text !== "") controller.enqueue(text);
      },
      flush: (controller) => {
        const text = decoder.decode();
        if (text !== "") controller.enqueue(text);
      },
    });
  }

  get encoding(): string {
    return this.#decoder.encoding;
  }

  get fatal(): boolean {
    return this.#decoder.fatal;
  }

  get ignoreBOM(): boolean {
    return this.#decoder.ignoreBOM;
  }

  get readable(): ReadableStream<string> {
    return this.#transform.readable;
  }

  get writable(): unknown {
    return this.#transform.writable;
  }
}
