import { guest } from "../kit.ts";

/** Half a million chunks of one byte. */
export default guest(() => {
  let left = 50_000;
  return new Response(
    new ReadableStream({
      pull(controller) {
        for (let i = 0; i < 100; i++) controller.enqueue(new Uint8Array([97]));
        left -= 100;
        if (left <= 0) controller.close();
      },
    }),
  );
});
