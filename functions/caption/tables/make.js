/**
 * Makes tables.bin, the drawings and letters that the module carries:
 *
 *     node functions/caption/tables/make.js <folder with DejaVuSerifCondensed-Bold.ttf and DejaVuSansCondensed-Bold.ttf> [out]
 *
 * Drawings are those of public/templates with the zones of routes/data/templates.ts. Letters are those of DejaVu 2.37 (Debian:
 * fonts-dejavu-extra), whose licence is in LICENSE-DejaVu.txt.
 *
 *     colours   count, then red, green, blue of each
 *     plates    count, then each as a part: id, zones (x, y, width, height, size, is chalk), shapes (fill, stroke, width × 8,
 *               opacity × 255, outline in eighths of a unit); colour 255 is none
 *     fonts     count, then each as a part: count of glyphs, then code point, advance and outline in 1/1024 em
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { TEMPLATES } from "../../../routes/data/templates.ts";
import { openFont } from "./font.js";
import { transformPath, Writer, writePath } from "./path.js";
import { readShapes } from "./svg.js";

const EM = 1024;
const FRACTION = 8;
const NO_COLOUR = 255;
const FONTS = ["DejaVuSerifCondensed-Bold.ttf", "DejaVuSansCondensed-Bold.ttf"];

/** ASCII, Latin-1, Latin Extended-A, Greek, and the signs of scholars. */
const RANGES = [
  [0x20, 0x7e],
  [0xa1, 0xac],
  [0xae, 0x17f],
  [0x391, 0x3a1],
  [0x3a3, 0x3a9],
  [0x3b1, 0x3c9],
];
const SIGNS = "–—‘’‚“”„†‡•…‰€™←↑→↓↔⇒⇔∀∂∃∅∇∈∉∎−√∞∝∧∨∩∪∫∴≈≠≡≤≥⊂⊆□☐★✓✗";

const [folder, out = join(import.meta.dirname, "../tables.bin")] = process.argv.slice(2);
if (folder === undefined) throw new Error("Name the folder of the fonts");
const fonts = FONTS.map((name) => openFont(readFileSync(join(folder, name))));
const plates = TEMPLATES.map((template) => ({ ...template, shapes: readShapes(readDrawing(template.id), letter) }));

const colours = [...new Set(plates.flatMap(({ shapes }) => shapes.flatMap(({ fill, stroke }) => [fill, stroke])))];
const palette = colours.filter((colour) => colour !== undefined).sort();

const writer = new Writer();
writer.number(palette.length);
for (const colour of palette) for (const part of colour.match(/[0-9a-f]{2}/gi)) writer.byte(Number.parseInt(part, 16));
writer.number(plates.length);
for (const plate of plates) writer.part((part) => writePlate(part, plate));
writer.number(fonts.length);
for (const font of fonts) writer.part((part) => writeFont(part, font));
writeFileSync(out, writer.toBytes());
console.log(`${out}: ${writer.length} bytes, ${palette.length} colours`);

function readDrawing(id) {
  return readFileSync(join(import.meta.dirname, `../../../public/templates/${id}.svg`), "utf8");
}

/** Text that belongs to a drawing, in the face of the captions. */
function letter(text, { x, y, "font-size": size, "text-anchor": anchor }) {
  const glyphs = [...text].map((character) => fonts[0].glyph(character.codePointAt(0)));
  const width = glyphs.reduce((sum, { advance }) => sum + advance * size, 0);
  let at = x - (anchor === "middle" ? width / 2 : anchor === "end" ? width : 0);
  return glyphs.flatMap(({ advance, path }) => {
    const placed = transformPath(path, [size, 0, 0, size, at, y]);
    at += advance * size;
    return placed;
  });
}

function writePlate(writer, { id, zones, shapes }) {
  writer.text(id);
  writer.number(zones.length);
  for (const { x, y, width, height, size, ink } of zones) {
    for (const number of [x, y, width, height, size]) writer.number(number);
    writer.byte(ink === "chalk" ? 1 : 0);
  }
  writer.number(shapes.length);
  for (const { path, fill, stroke, width, opacity } of shapes) {
    writer.byte(fill === undefined ? NO_COLOUR : palette.indexOf(fill));
    writer.byte(stroke === undefined ? NO_COLOUR : palette.indexOf(stroke));
    writer.number(Math.round(width * FRACTION));
    writer.byte(Math.round(opacity * 255));
    writePath(writer, path, FRACTION);
  }
}

function writeFont(writer, font) {
  const ranges = RANGES.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, i) => from + i));
  const wanted = [...new Set([...ranges, ...[...SIGNS].map((sign) => sign.codePointAt(0))])].sort((a, b) => a - b);
  const glyphs = wanted.flatMap((codePoint) => {
    const glyph = font.glyph(codePoint);
    return glyph ? [{ codePoint, ...glyph }] : [];
  });
  writer.number(glyphs.length);
  for (const { codePoint, advance, path } of glyphs) {
    writer.number(codePoint);
    writer.number(Math.round(advance * EM));
    writer.part((part) => writePath(part, path, EM));
  }
}
