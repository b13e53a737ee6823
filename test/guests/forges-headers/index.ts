import { guest } from "../kit.ts";

/** Hands invalid headers over behind the back of the Headers class, whichever way they are read. */
export default guest(() => {
  const forged = ["x-a", "b\r\nset-cookie: c=d"] as const;
  Headers.prototype[Symbol.iterator] = function* () {
    yield forged;
  } as any;
  Headers.prototype.forEach = (each: any) => each(forged[1], forged[0]);
  return new Response("forged");
});
