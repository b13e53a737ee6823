import { guest } from "../kit.ts";

/** Calls whose answers nobody reads, with bodies that never end. */
export default guest((_request, env) => {
  for (let i = 0; i < 200; i++) {
    const body = new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(10)) });
    env.THING.fetch("http://thing/", { method: "POST", body, duplex: "half" }).catch(() => {});
  }
  return new Response("left");
});
