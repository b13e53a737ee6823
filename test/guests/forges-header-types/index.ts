import { guest } from "../kit.ts";

export default guest(() => {
  Headers.prototype[Symbol.iterator] = function* () {
    yield [{ toString: () => "x-a" }, 7];
    yield ["x-b"];
  } as any;
  return new Response("forged");
});
