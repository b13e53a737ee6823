import { guest } from "../kit.ts";

export default guest(() => {
  const all: unknown[] = [];
  for (let i = 0; ; i++) all.push({ i, text: String(i) });
});
