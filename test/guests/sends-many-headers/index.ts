import { guest } from "../kit.ts";

export default guest(() => {
  const headers = new Headers();
  for (let i = 0; i < 20_000; i++) headers.append(`x-${i}`, "v");
  return new Response("", { headers });
});
