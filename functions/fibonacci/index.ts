/**
 * fibonacci.c in TypeScript: `?n=30`, n up to 93, and with `&recursive=1` as the definition says, n up to 45.
 *
 * A number that cannot be used throws, which is to a handler what an exit code is to a program.
 */

const MAX_N = 93;
const MAX_RECURSIVE_N = 45;

export default {
  fetch(request: Request): Response {
    // As for the program, the last of several values is the one that counts.
    const { n = "30", recursive } = Object.fromEntries(new URL(request.url).searchParams);
    const number =
      recursive === "1" ? computeRecursively(parseCount(n, MAX_RECURSIVE_N)) : compute(parseCount(n, MAX_N));
    return new Response(`${number}\n`, {
      headers: { "content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff" },
    });
  },
};

/** In whole numbers of any size: those of JavaScript end at the 78th. */
function compute(n: number): bigint {
  let [a, b] = [0n, 1n];
  for (let i = 0; i < n; i++) [a, b] = [b, a + b];
  return a;
}

function computeRecursively(n: number): number {
  return n < 2 ? n : computeRecursively(n - 1) + computeRecursively(n - 2);
}

function parseCount(text: string, max: number): number {
  const n = Number(text);
  if (!/^[0-9]+$/.test(text) || n > max) throw new RangeError(`n must be a whole number from 0 to ${max}`);
  return n;
}
