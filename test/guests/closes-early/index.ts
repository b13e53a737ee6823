import { guest } from "../kit.ts";

/** Goes on after its stream is closed. */
export default guest(
  () =>
    new Response(
      new ReadableStream({
        async start(controller) {
          controller.enqueue(new TextEncoder().encode("all there is"));
          controller.close();
          await null;
          for (const more of [() => controller.enqueue(new Uint8Array(1)), () => controller.close()] as const)
            try {
              more();
            } catch {}
        },
      }),
    ),
);
