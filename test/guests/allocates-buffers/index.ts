import { guest } from "../kit.ts";

export default guest(async () => {
  const all: Uint8Array[] = [];
  for (;;) {
    all.push(new Uint8Array(1_000_000).fill(1));
    await null;
  }
});
