import { guest } from "../kit.ts";

export default guest(
  () =>
    new Response(
      new ReadableStream(
        {
          pull() {
            for (;;);
          },
        },
        { highWaterMark: 0 },
      ),
    ),
);
