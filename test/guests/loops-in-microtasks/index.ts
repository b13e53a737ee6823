import { guest } from "../kit.ts";

export default guest(() => {
  const again = () => {
    queueMicrotask(again);
  };
  again();
  return new Response("sent by the microtasks in between");
});
