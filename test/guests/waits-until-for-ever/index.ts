import { guest } from "../kit.ts";

export default guest((_request, _env, ctx) => {
  for (let i = 0; i < 1_000; i++) ctx.waitUntil(new Promise(() => {}));
  ctx.waitUntil({ then: () => {} });
  ctx.waitUntil(null);
  return new Response("early");
});
