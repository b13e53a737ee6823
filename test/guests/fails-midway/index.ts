import { guest } from "../kit.ts";

export default guest(() => {
  let sent = 0;
  return new Response(
    new ReadableStream({
      async pull(controller) {
        await new Promise((resolve) => setTimeout(resolve, 10));
        if (sent++ === 3) throw new Error("half way");
        controller.enqueue(new TextEncoder().encode("part "));
      },
    }),
  );
});
