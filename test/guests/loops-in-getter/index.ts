import { guest } from "../kit.ts";

/** The response is made in good order; what the host reads of it loops. */
export default guest(() =>
  Object.defineProperty(new Response("x"), "status", {
    get() {
      for (;;);
    },
  }),
);
