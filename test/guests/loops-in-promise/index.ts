import { guest } from "../kit.ts";

export default guest(async () => {
  for (;;) await null;
});
