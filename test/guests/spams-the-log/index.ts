import { guest } from "../kit.ts";

export default guest(() => {
  for (let i = 0; i < 200_000; i++) console.log(i, "spam");
  return new Response("done");
});
