import { guest } from "../kit.ts";

export default guest(() => {
  for (let i = 0; i < 1_000; i++) Promise.reject(new Error(`nobody looks ${i}`));
  return new Response("early");
});
