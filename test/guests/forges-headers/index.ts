import { guest } from "../kit.ts";

/** Hands invalid headers over behind the back of the Headers class. */
export default guest(() => {
  Headers.prototype[Symbol.iterator] = function* () {
    yield ["x-a", "b\r\nset-cookie: c=d"];
  } as any;
  return new Response("forged");
});
