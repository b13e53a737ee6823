import { guest } from "../kit.ts";

/** One module of 30 000 functions, over and over. */
const leb = (n: number): number[] => (n < 128 ? [n] : [(n & 127) | 128, ...leb(n >> 7)]);
const section = (id: number, body: number[]) => [id, ...leb(body.length), ...body];
const COUNT = 30_000;
const code = Array.from({ length: COUNT }, () => [7, 0, 65, 1, 65, 2, 106, 26, 11].with(0, 8)).flat();
const bytes = new Uint8Array([
  ...[0, 97, 115, 109, 1, 0, 0, 0],
  ...section(1, [1, 96, 0, 0]),
  ...section(3, [...leb(COUNT), ...new Array(COUNT).fill(0)]),
  ...section(10, leb(COUNT).concat(code)),
]);
export default guest(() => {
  for (;;) new WebAssembly.Instance(new WebAssembly.Module(bytes));
});
