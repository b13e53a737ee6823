import { guest } from "../kit.ts";

export default guest(
  () =>
    new Response(new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode("begin")) })),
);
