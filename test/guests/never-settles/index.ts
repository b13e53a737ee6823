import { guest } from "../kit.ts";

export default guest(() => ({
  then() {},
}));
