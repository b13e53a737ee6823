import { guest } from "../kit.ts";

export default guest((_request, _env, ctx) => {
  ctx.waitUntil(new Promise((resolve) => setTimeout(resolve, 20)));
  setTimeout(() => {
    throw new Error("later");
  }, 1);
  queueMicrotask(() => {
    throw null;
  });
  return new Response("early");
});
