import { guest } from "../kit.ts";

export default guest(() => {
  for (let i = 0; i < 1_000_000; i++) setTimeout(() => {}, 3_600_000);
  return new Response("set");
});
