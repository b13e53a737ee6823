import { guest } from "../kit.ts";

export default guest(
  () => new Response(new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(65_536)) })),
);
