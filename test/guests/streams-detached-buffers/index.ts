import { guest } from "../kit.ts";

/** The bytes are gone, resized or shared by the time they are read. */
export default guest(() => {
  const detached = new Uint8Array(1000);
  structuredClone(detached.buffer, { transfer: [detached.buffer] });
  const resizable = new ArrayBuffer(1000, { maxByteLength: 2000 });
  const view = new Uint8Array(resizable, 500);
  resizable.resize(100);
  return new Response(
    new ReadableStream({
      start: (c) => {
        for (const each of [detached, view, new Uint8Array(new SharedArrayBuffer(4)), new TextEncoder().encode("end")])
          c.enqueue(each);
        c.close();
      },
    }),
  );
});
