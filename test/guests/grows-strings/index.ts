import { guest } from "../kit.ts";

export default guest(() => {
  const all: string[] = [];
  for (let i = 0; ; i++) all.push(`${i}`.padEnd(100_000, `${i}`));
});
