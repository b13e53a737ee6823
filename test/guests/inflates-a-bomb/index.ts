import { guest } from "../kit.ts";

/** A kilobyte that unpacks to gigabytes. */
export default guest(async () => {
  const zeros = new ReadableStream({
    start: (c) => {
      for (let i = 0; i < 64; i++) c.enqueue(new Uint8Array(1_000_000));
      c.close();
    },
  });
  const packed = await new Response(zeros.pipeThrough(new CompressionStream("gzip"))).bytes();
  const all: Uint8Array[] = [];
  for (;;)
    all.push(await new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).bytes());
});
