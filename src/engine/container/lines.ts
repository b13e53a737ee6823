/**
 * Cuts bytes into lines, however they come.
 */

/** A longer line is cut in pieces. */
const MAX_LINE_BYTES = 8_192;
const NEWLINE = 0x0a;

/** One output; keeps what has come of the line that has not ended. */
export class LineCutter {
  #parts: Buffer[] = [];
  #bytes = 0;

  /** What has come of a line that has not ended. */
  get rest(): string {
    return Buffer.concat(this.#parts).toString();
  }

  /** The lines that end in these bytes, without their ends. */
  push(chunk: Buffer): string[] {
    const lines: string[] = [];
    let start = 0;
    while (start < chunk.byteLength) {
      const newline = chunk.indexOf(NEWLINE, start);
      const end = newline < 0 ? chunk.byteLength : newline;
      const limit = start + MAX_LINE_BYTES - this.#bytes;
      if (end > limit) {
        lines.push(this.#end(chunk, start, limit));
        start = limit;
      } else if (newline >= 0) {
        lines.push(this.#end(chunk, start, end));
        start = end + 1;
      } else {
        // because the chunk's memory is used again
        this.#parts.push(Buffer.from(chunk.subarray(start)));
        this.#bytes += chunk.byteLength - start;
        start = end;
      }
    }
    return lines;
  }

  /** What has no end of line; empty when there is nothing. */
  flush(): string {
    return this.#end(Buffer.alloc(0), 0, 0);
  }

  #end(chunk: Buffer, start: number, end: number): string {
    const line = this.#bytes === 0 ? chunk.toString("utf8", start, end) : this.#join(chunk.subarray(start, end));
    return line.endsWith("\r") ? line.slice(0, -1) : line;
  }

  #join(last: Buffer): string {
    const line = Buffer.concat([...this.#parts, last]).toString();
    this.#parts = [];
    this.#bytes = 0;
    return line;
  }
}
