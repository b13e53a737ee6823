/**
 * Outlines: what an SVG path and a glyph have in common, and how they are packed.
 *
 *     { op: "M" | "L" | "Q" | "C" | "Z", points: [x, y, …] }      absolute, every number finite
 */

const OPS = "MLQCZ";

/** Bytes that grow. Numbers without a sign are LEB128; those with one are zigzag before it. */
export class Writer {
  #bytes = [];

  get length() {
    return this.#bytes.length;
  }

  byte(value) {
    if (!Number.isInteger(value) || value < 0 || value > 255) throw new RangeError(`${value} is no byte`);
    this.#bytes.push(value);
  }

  number(value) {
    let rest = value;
    for (; rest > 127; rest = Math.floor(rest / 128)) this.byte((rest % 128) + 128);
    this.byte(rest);
  }

  signed(value) {
    this.number(value < 0 ? -2 * value - 1 : 2 * value);
  }

  text(text) {
    const bytes = new TextEncoder().encode(text);
    this.number(bytes.length);
    for (const byte of bytes) this.byte(byte);
  }

  /** A part of known length, so that a reader may step over it. */
  part(write) {
    const part = new Writer();
    write(part);
    this.number(part.length);
    for (const byte of part.#bytes) this.#bytes.push(byte);
  }

  toBytes() {
    return Uint8Array.from(this.#bytes);
  }
}

/** Writes an outline: the number of its steps, then each with the distances from the point before it. */
export function writePath(writer, path, scale) {
  writer.number(path.length);
  let [x, y] = [0, 0];
  for (const { op, points } of path) {
    writer.byte(OPS.indexOf(op));
    for (let i = 0; i < points.length; i += 2) {
      const [toX, toY] = [Math.round(points[i] * scale), Math.round(points[i + 1] * scale)];
      writer.signed(toX - x);
      writer.signed(toY - y);
      [x, y] = [toX, toY];
    }
  }
}

/** Moves every point: `[a, b, c, d, e, f]` as in SVG's matrix(). */
export function transformPath(path, [a, b, c, d, e, f]) {
  return path.map(({ op, points }) => {
    const moved = [];
    for (let i = 0; i < points.length; i += 2) {
      const [x, y] = [points[i], points[i + 1]];
      moved.push(a * x + c * y + e, b * x + d * y + f);
    }
    return { op, points: moved };
  });
}
