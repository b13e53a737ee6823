import { guest } from "../kit.ts";

export default guest(() => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
});
