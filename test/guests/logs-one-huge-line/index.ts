import { guest } from "../kit.ts";

export default guest(() => {
  console.log("x".repeat(100_000_000));
  console.error("y".repeat(1000));
  return new Response("done");
});
