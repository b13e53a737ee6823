/**
 * What a process writes, gathered, so that it can be waited for piece by piece.
 */

import type { Readable } from "node:stream";

/** The text of one stream so far. */
export class Gathered {
  #text = "";
  #taken = 0;
  #isOver = false;
  #moved = Promise.withResolvers<void>();

  constructor(stream: Readable) {
    stream.setEncoding("utf8");
    stream.on("data", (chunk: string) => {
      this.#text += chunk;
      this.#move();
    });
    stream.on("close", () => {
      this.#isOver = true;
      this.#move();
    });
  }

  /** All of it, taken or not. */
  get text(): string {
    return this.#text;
  }

  /** The next so many characters, or all there are until the end; fewer when the stream ends before. */
  async take(length = Number.POSITIVE_INFINITY): Promise<string> {
    while (this.#text.length - this.#taken < length && !this.#isOver) await this.#moved.promise;
    const text = this.#text.slice(this.#taken, this.#taken + length);
    this.#taken += text.length;
    return text;
  }

  /** The first match in all of it; nothing when the stream ends without. */
  async find(pattern: RegExp): Promise<RegExpExecArray | undefined> {
    while (true) {
      const found = pattern.exec(this.#text.slice(0, this.#text.lastIndexOf("\n") + 1));
      if (found !== null || this.#isOver) return found ?? undefined;
      await this.#moved.promise;
    }
  }

  #move(): void {
    this.#moved.resolve();
    this.#moved = Promise.withResolvers();
  }
}
