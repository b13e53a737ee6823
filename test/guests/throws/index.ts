import { guest } from "../kit.ts";

export default guest(() => {
  throw new Error("on purpose");
});
