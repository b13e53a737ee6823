import { guest } from "../kit.ts";

export default guest(async () => {
  await null;
  return Promise.reject(new TypeError("on purpose"));
});
