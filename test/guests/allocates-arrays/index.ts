import { guest } from "../kit.ts";

export default guest(() => {
  const all: number[] = [];
  for (;;) all.push(1);
});
