import { guest } from "../kit.ts";

export default guest(() => {
  (Object.prototype as any).then = (resolve: (value: unknown) => void) => resolve(7);
  return new Response("polluted");
});
