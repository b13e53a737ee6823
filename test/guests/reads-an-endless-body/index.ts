import { guest } from "../kit.ts";

export default guest(async (request) => {
  const all: Uint8Array[] = [];
  for await (const chunk of request.body as any) all.push(chunk);
  return new Response("never");
});
