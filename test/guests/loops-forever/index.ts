import { guest } from "../kit.ts";

export default guest(() => {
  for (;;);
});
