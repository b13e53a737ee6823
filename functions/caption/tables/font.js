/**
 * Glyphs of a TrueType font: outlines and advances, in units of the em, y downwards.
 *
 * @see https://learn.microsoft.com/typography/opentype/spec/otff
 */

import { transformPath } from "./path.js";

/** Reads the tables that are needed. `glyph(codePoint)` is `{ advance, path }`, or `undefined` when the font has none. */
export function openFont(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tables = new Map();
  for (let i = 0; i < view.getUint16(4); i += 1) {
    const at = 12 + 16 * i;
    tables.set(String.fromCharCode(...bytes.subarray(at, at + 4)), view.getUint32(at + 8));
  }
  const at = (name) => tables.get(name);
  const font = {
    view,
    em: view.getUint16(at("head") + 18),
    isLong: view.getInt16(at("head") + 50) === 1,
    metrics: view.getUint16(at("hhea") + 34),
    hmtx: at("hmtx"),
    loca: at("loca"),
    glyf: at("glyf"),
  };
  const find = readCharacterMap(view, at("cmap"));
  return {
    glyph(codePoint) {
      const id = find(codePoint);
      if (id === 0) return undefined;
      const path = readOutline(font, id);
      const toEm = [1 / font.em, 0, 0, -1 / font.em, 0, 0];
      return { advance: readAdvance(font, id) / font.em, path: transformPath(path, toEm) };
    },
  };
}

/** The map of the basic plane, format 4. */
function readCharacterMap(view, cmap) {
  let table;
  for (let i = 0; i < view.getUint16(cmap + 2); i += 1) {
    const at = cmap + view.getUint32(cmap + 8 + 8 * i);
    if (view.getUint16(at) === 4) table = at;
  }
  if (table === undefined) throw new Error("The font has no character map of format 4");
  const doubled = view.getUint16(table + 6);
  return (codePoint) => {
    for (let i = 0; i < doubled; i += 2) {
      if (view.getUint16(table + 14 + i) < codePoint) continue;
      const start = view.getUint16(table + 16 + doubled + i);
      if (start > codePoint) return 0;
      const delta = view.getUint16(table + 16 + 2 * doubled + i);
      const rangeAt = table + 16 + 3 * doubled + i;
      const range = view.getUint16(rangeAt);
      if (range === 0) return (codePoint + delta) & 0xffff;
      const id = view.getUint16(rangeAt + range + 2 * (codePoint - start));
      return id === 0 ? 0 : (id + delta) & 0xffff;
    }
    return 0;
  };
}

function readAdvance({ view, hmtx, metrics }, id) {
  return view.getUint16(hmtx + 4 * Math.min(id, metrics - 1));
}

function readOutline(font, id) {
  const { view, loca, glyf, isLong } = font;
  const offset = (i) => (isLong ? view.getUint32(loca + 4 * i) : 2 * view.getUint16(loca + 2 * i));
  if (offset(id) === offset(id + 1)) return [];
  const at = glyf + offset(id);
  const contours = view.getInt16(at);
  return contours < 0 ? readComposite(font, at + 10) : readSimple(view, at + 10, contours);
}

/** Parts of other glyphs: letters with accents. */
function readComposite(font, start) {
  const { view } = font;
  const path = [];
  let at = start;
  for (let flags = 0x20; flags & 0x20; ) {
    flags = view.getUint16(at);
    const id = view.getUint16(at + 2);
    const isWide = flags & 1;
    const [dx, dy] = isWide
      ? [view.getInt16(at + 4), view.getInt16(at + 6)]
      : [view.getInt8(at + 4), view.getInt8(at + 5)];
    at += isWide ? 8 : 6;
    const next = () => {
      at += 2;
      return view.getInt16(at - 2) / 16384;
    };
    let [a, b, c, d] = [1, 0, 0, 1];
    if (flags & 0x08) a = d = next();
    else if (flags & 0x40) [a, d] = [next(), next()];
    else if (flags & 0x80) [a, b, c, d] = [next(), next(), next(), next()];
    path.push(...transformPath(readOutline(font, id), [a, b, c, d, dx, dy]));
  }
  return path;
}

function readSimple(view, start, contours) {
  const ends = Array.from({ length: contours }, (_, i) => view.getUint16(start + 2 * i));
  const count = ends.at(-1) + 1;
  let at = start + 2 * contours;
  at += 2 + view.getUint16(at);
  const flags = [];
  while (flags.length < count) {
    const flag = view.getUint8(at++);
    const times = flag & 8 ? view.getUint8(at++) + 1 : 1;
    for (let i = 0; i < times; i += 1) flags.push(flag);
  }
  const readAxis = (short, same) => {
    let value = 0;
    return flags.map((flag) => {
      if (flag & short) value += flag & same ? view.getUint8(at++) : -view.getUint8(at++);
      else if (!(flag & same)) {
        value += view.getInt16(at);
        at += 2;
      }
      return value;
    });
  };
  const xs = readAxis(2, 16);
  const ys = readAxis(4, 32);
  const points = flags.map((flag, i) => ({ x: xs[i], y: ys[i], isOn: (flag & 1) === 1 }));
  return ends.flatMap((end, i) => toContour(points.slice(i === 0 ? 0 : ends[i - 1] + 1, end + 1)));
}

/** Between two points off the curve lies one on it. */
function toContour(points) {
  if (points.length < 2) return [];
  const between = (p, q) => ({ x: (p.x + q.x) / 2, y: (p.y + q.y) / 2, isOn: true });
  const first = points.findIndex(({ isOn }) => isOn);
  const ring =
    first < 0 ? [between(points.at(-1), points[0]), ...points] : [...points.slice(first), ...points.slice(0, first)];
  const start = ring[0];
  const path = [{ op: "M", points: [start.x, start.y] }];
  for (let i = 1; i < ring.length; i += 1) {
    const point = ring[i];
    const next = ring[i + 1] ?? start;
    if (point.isOn) path.push({ op: "L", points: [point.x, point.y] });
    else {
      const to = next.isOn ? next : between(point, next);
      path.push({ op: "Q", points: [point.x, point.y, to.x, to.y] });
      if (next.isOn) i += 1;
    }
  }
  return [...path, { op: "Z", points: [] }];
}
