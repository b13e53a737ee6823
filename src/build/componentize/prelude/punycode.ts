/**
 * Punycode, in the one direction that URLs need.
 *
 * @see https://www.rfc-editor.org/rfc/rfc3492
 */

const BASE = 36;

/** `bücher` → `bcher-kva` */
export function toPunycode(label: string): string {
  const points = [...label].map((char) => char.codePointAt(0) ?? 0);
  const basic = points.filter((point) => point < 0x80);
  let text = String.fromCodePoint(...basic) + (basic.length > 0 ? "-" : "");
  let next = 0x80;
  let delta = 0;
  let bias = 72;
  let handled = basic.length;
  while (handled < points.length) {
    const lowest = Math.min(...points.filter((point) => point >= next));
    delta += (lowest - next) * (handled + 1);
    next = lowest;
    for (const point of points) {
      if (point < next) delta++;
      if (point !== next) continue;
      text += toVariableLength(delta, bias);
      bias = adapt(delta, handled + 1, handled === basic.length);
      delta = 0;
      handled++;
    }
    delta++;
    next++;
  }
  return text;
}

function toVariableLength(delta: number, bias: number): string {
  let text = "";
  let rest = delta;
  for (let k = BASE; ; k += BASE) {
    const threshold = Math.min(26, Math.max(1, k - bias));
    if (rest < threshold) return text + toDigit(rest);
    text += toDigit(threshold + ((rest - threshold) % (BASE - threshold)));
    rest = Math.floor((rest - threshold) / (BASE - threshold));
  }
}

/** a … z, 0 … 9 */
function toDigit(value: number): string {
  return String.fromCharCode(value < 26 ? 97 + value : 22 + value);
}

function adapt(delta: number, count: number, isFirst: boolean): number {
  let rest = isFirst ? Math.floor(delta / 700) : delta >> 1;
  rest += Math.floor(rest / count);
  let k = 0;
  while (rest > 455) {
    rest = Math.floor(rest / 35);
    k += BASE;
  }
  return k + Math.floor((36 * rest) / (rest + 38));
}
