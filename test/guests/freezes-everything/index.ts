import { guest } from "../kit.ts";

export default guest((request) => {
  for (const each of [
    Object.prototype,
    Array.prototype,
    Function.prototype,
    Promise.prototype,
    Response.prototype,
    Request.prototype,
    Headers.prototype,
    ReadableStream.prototype,
    globalThis.console,
    globalThis.crypto,
  ])
    Object.freeze(each);
  Object.freeze(request);
  return new Response("frozen");
});
