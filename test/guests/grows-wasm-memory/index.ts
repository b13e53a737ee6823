import { guest } from "../kit.ts";

export default guest(() => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65_536 });
  for (;;) {
    memory.grow(16);
    new Uint8Array(memory.buffer).fill(1);
  }
});
