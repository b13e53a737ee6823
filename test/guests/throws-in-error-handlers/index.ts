import { guest } from "../kit.ts";

/** Errors while errors are told. */
addEventListener("error", () => {
  throw new Error("again");
});
addEventListener("unhandledrejection", () => {
  throw new Error("again");
});
(globalThis as any).onerror = () => Promise.reject(new Error("again"));
export default guest((_request, _env, ctx) => {
  ctx.waitUntil(new Promise((resolve) => setTimeout(resolve, 50)));
  Promise.reject(new Error("first"));
  setTimeout(() => {
    throw new Error("second");
  }, 1);
  return new Response("early");
});
