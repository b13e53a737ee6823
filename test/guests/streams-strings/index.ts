import { guest } from "../kit.ts";

export default guest(
  () =>
    new Response(
      new ReadableStream({
        start: (c) => {
          c.enqueue("text, not bytes");
          c.close();
        },
      }),
    ),
);
