import { guest } from "../kit.ts";

/** Every object has these now. */
for (const name of ["status", "url", "op", "done", "note", "isEnd", "isSettled", "stream", "kind", "payload"]) {
  Object.defineProperty(Object.prototype, name, { value: "polluted", writable: true, configurable: true });
}
export default guest((request) => new Response(`${request.method} ${({} as any).status}`));
