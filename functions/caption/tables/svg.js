/**
 * Shapes of a drawing: as much of SVG as the plates of Academemes use.
 *
 * That is: g, path (no arcs), rect, ellipse and text; fill, stroke, stroke-width, stroke-dasharray and opacity as attributes; the
 * transformations translate and rotate. Anything else is refused, so that a drawing that needs more is noticed.
 */

import { transformPath } from "./path.js";

const IDENTITY = [1, 0, 0, 1, 0, 0];
const SILENT = new Set(["title", "desc"]);
const KNOWN = new Set(
  "id,d,x,y,cx,cy,rx,ry,width,height,fill,stroke,stroke-width,stroke-dasharray,stroke-linecap,stroke-linejoin,opacity,transform"
    .concat(",font-family,font-size,font-style,font-weight,text-anchor,xmlns,viewBox,role,aria-labelledby")
    .split(","),
);

/** `{ path, fill, stroke, width, opacity }` in the order of painting. `letter(text, attributes)` makes outlines of text. */
export function readShapes(svg, letter) {
  const shapes = [];
  const stack = [{ fill: "#000000", stroke: "none", "stroke-width": "1", opacity: 1, matrix: IDENTITY }];
  let silent = 0;
  for (const [, close, name, rest, empty, text] of svg.matchAll(/<(\/?)([a-z]+)([^>]*?)(\/?)>([^<]*)/gi)) {
    if (SILENT.has(name)) silent += close ? -1 : 1;
    else if (silent > 0) continue;
    else if (close) {
      if (name === "g" || name === "svg") stack.pop();
    } else {
      const own = readAttributes(rest);
      const style = inherit(stack.at(-1), own);
      if ((name === "g" || name === "svg") && !empty) stack.push(style);
      else shapes.push(...toShapes(name, own, style, text, letter));
    }
  }
  return shapes;
}

function readAttributes(text) {
  const attributes = Object.fromEntries(
    [...text.matchAll(/([a-z-]+)="([^"]*)"/gi)].map(([, name, value]) => [name, value]),
  );
  for (const name of Object.keys(attributes)) if (!KNOWN.has(name)) throw new Error(`Cannot read attribute "${name}"`);
  return attributes;
}

function inherit(parent, own) {
  return {
    ...parent,
    ...own,
    opacity: parent.opacity * Number(own.opacity ?? 1),
    matrix: multiply(parent.matrix, readTransform(own.transform ?? "")),
  };
}

function toShapes(name, own, style, text, letter) {
  const path = transformPath(toPath(name, own, style, text, letter), style.matrix);
  const stroke = style.stroke === "none" ? undefined : style.stroke;
  const fill = style.fill === "none" ? undefined : style.fill;
  const base = { width: Number(style["stroke-width"]), opacity: style.opacity };
  const dashes = style["stroke-dasharray"]?.split(/[ ,]+/).map(Number);
  if (stroke === undefined || dashes === undefined) return fill || stroke ? [{ ...base, path, fill, stroke }] : [];
  return [...(fill ? [{ ...base, path, fill }] : []), { ...base, path: dash(path, dashes), stroke }];
}

function toPath(name, own, style, text, letter) {
  const number = (key) => Number(own[key] ?? 0);
  if (name === "path") return parsePath(own.d);
  if (name === "rect") return toRectangle(number("x"), number("y"), number("width"), number("height"), number("rx"));
  if (name === "ellipse") return toEllipse(number("cx"), number("cy"), number("rx"), number("ry"));
  if (name === "text") return letter(text, { ...style, x: number("x"), y: number("y") });
  throw new Error(`Cannot draw <${name}>`);
}

function readTransform(text) {
  let matrix = IDENTITY;
  for (const [, name, list] of text.matchAll(/([a-z]+)\(([^)]*)\)/gi)) {
    const [a = 0, b = 0, c = 0] = list.split(/[ ,]+/).map(Number);
    const turn = (a * Math.PI) / 180;
    const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
    if (name === "translate") matrix = multiply(matrix, [1, 0, 0, 1, a, b]);
    else if (name === "rotate")
      matrix = multiply(matrix, [cos, sin, -sin, cos, b - b * cos + c * sin, c - b * sin - c * cos]);
    else throw new Error(`Cannot transform by ${name}()`);
  }
  return matrix;
}

function multiply([a, b, c, d, e, f], [g, h, i, j, k, l]) {
  return [a * g + c * h, b * g + d * h, a * i + c * j, b * i + d * j, a * k + c * l + e, b * k + d * l + f];
}

// ---- outlines ----

/** How many numbers each command takes. */
const ARITY = { M: 2, L: 2, H: 1, V: 1, C: 6, S: 4, Q: 4, T: 2, Z: 0 };

function parsePath(text) {
  const path = [];
  let [x, y, startX, startY] = [0, 0, 0, 0];
  let control; // of the curve before, for S and T
  let before = "";
  const add = (op, points) => {
    path.push({ op, points });
    [x, y] = points.slice(-2);
  };
  for (const [, letter, list] of text.matchAll(/([a-z])([^a-z]*)/gi)) {
    const numbers = [...list.matchAll(/-?(?:\d+\.?\d*|\.\d+)/g)].map(Number);
    const arity = ARITY[letter.toUpperCase()];
    if (arity === undefined) throw new Error(`Cannot draw the path command "${letter}"`);
    for (let i = 0; i < Math.max(numbers.length, 1); i += arity || 1) {
      const isFirst = i === 0;
      const op = letter.toUpperCase() === "M" && !isFirst ? "L" : letter.toUpperCase();
      const isRelative = letter !== letter.toUpperCase();
      const own = numbers.slice(i, i + arity);
      const xOf = (value) => value + (isRelative ? x : 0);
      const yOf = (value) => value + (isRelative ? y : 0);
      const p = own.map((value, j) => (j % 2 === 0 ? xOf(value) : yOf(value)));
      const mirror = (kinds) => (kinds.includes(before) && control ? [2 * x - control[0], 2 * y - control[1]] : [x, y]);
      let next;
      if (op === "M") {
        add("M", p);
        [startX, startY] = p;
      } else if (op === "L") add("L", p);
      else if (op === "H") add("L", [xOf(own[0]), y]);
      else if (op === "V") add("L", [x, yOf(own[0])]);
      else if (op === "C" || op === "S") {
        const points = op === "C" ? p : [...mirror("CS"), ...p];
        next = points.slice(2, 4);
        add("C", points);
      } else if (op === "Q" || op === "T") {
        const points = op === "Q" ? p : [...mirror("QT"), ...p];
        next = points.slice(0, 2);
        add("Q", points);
      } else {
        path.push({ op: "Z", points: [] });
        [x, y] = [startX, startY];
      }
      control = next;
      before = op;
    }
  }
  return path;
}

function toRectangle(x, y, width, height, radius) {
  const [right, bottom] = [x + width, y + height];
  if (radius === 0) {
    const corners = [
      [x, y],
      [right, y],
      [right, bottom],
      [x, bottom],
    ];
    return [...corners.map((points, i) => ({ op: i === 0 ? "M" : "L", points })), { op: "Z", points: [] }];
  }
  const k = radius * 0.4477; // from the corner to the control point of a quarter of a circle
  return [
    { op: "M", points: [x + radius, y] },
    { op: "L", points: [right - radius, y] },
    { op: "C", points: [right - k, y, right, y + k, right, y + radius] },
    { op: "L", points: [right, bottom - radius] },
    { op: "C", points: [right, bottom - k, right - k, bottom, right - radius, bottom] },
    { op: "L", points: [x + radius, bottom] },
    { op: "C", points: [x + k, bottom, x, bottom - k, x, bottom - radius] },
    { op: "L", points: [x, y + radius] },
    { op: "C", points: [x, y + k, x + k, y, x + radius, y] },
    { op: "Z", points: [] },
  ];
}

function toEllipse(cx, cy, rx, ry) {
  const [kx, ky] = [rx * 0.5523, ry * 0.5523];
  return [
    { op: "M", points: [cx + rx, cy] },
    { op: "C", points: [cx + rx, cy + ky, cx + kx, cy + ry, cx, cy + ry] },
    { op: "C", points: [cx - kx, cy + ry, cx - rx, cy + ky, cx - rx, cy] },
    { op: "C", points: [cx - rx, cy - ky, cx - kx, cy - ry, cx, cy - ry] },
    { op: "C", points: [cx + kx, cy - ry, cx + rx, cy - ky, cx + rx, cy] },
    { op: "Z", points: [] },
  ];
}

// ---- dashes ----

/** The pieces of an outline that a dashed line shows, as straight pieces. */
function dash(path, lengths) {
  const pieces = [];
  for (const line of flatten(path)) {
    let [index, left] = [0, lengths[0]];
    pieces.push({ op: "M", points: line[0] });
    for (let i = 1; i < line.length; i += 1) {
      let from = line[i - 1];
      for (;;) {
        const length = Math.hypot(line[i][0] - from[0], line[i][1] - from[1]);
        const part = Math.min(1, left / (length || 1));
        const to = [from[0] + (line[i][0] - from[0]) * part, from[1] + (line[i][1] - from[1]) * part];
        pieces.push({ op: index % 2 === 0 ? "L" : "M", points: to });
        left -= length * part;
        from = to;
        if (left > 1e-6) break;
        index += 1;
        left = lengths[index % lengths.length];
      }
    }
  }
  return pieces;
}

function flatten(path) {
  const lines = [];
  for (const { op, points } of path) {
    const line = lines.at(-1);
    if (op === "M") lines.push([points]);
    else if (op === "L") line.push(points);
    else if (op === "Z") line.push(line[0]);
    else {
      const start = line.at(-1);
      const nodes = [start, ...Array.from({ length: points.length / 2 }, (_, i) => points.slice(2 * i, 2 * i + 2))];
      for (let i = 1; i <= 24; i += 1) line.push(onCurve(nodes, i / 24));
    }
  }
  return lines;
}

/** De Casteljau. */
function onCurve(nodes, t) {
  if (nodes.length === 1) return nodes[0];
  const next = nodes
    .slice(1)
    .map(([x, y], i) => [nodes[i][0] + (x - nodes[i][0]) * t, nodes[i][1] + (y - nodes[i][1]) * t]);
  return onCurve(next, t);
}
