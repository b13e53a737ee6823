import { guest } from "../kit.ts";

export default guest(() => {
  setTimeout(() => {
    for (;;);
  }, 1);
  return new Response("early");
});
