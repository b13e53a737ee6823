import { guest } from "../kit.ts";

/** Object.prototype with get, set and then: what descriptors and promises look for. */
export default guest(() => {
  (Object.prototype as any).get = () => "polluted";
  (Object.prototype as any).set = () => {};
  return new Response("polluted");
});
