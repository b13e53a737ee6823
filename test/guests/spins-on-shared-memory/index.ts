import { guest } from "../kit.ts";

export default guest(() => {
  const flag = new Int32Array(new SharedArrayBuffer(4));
  while (Atomics.load(flag, 0) === 0);
});
