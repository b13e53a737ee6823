import { guest } from "../kit.ts";

export default guest(async (_request, env) => {
  const results = await Promise.allSettled(Array.from({ length: 5_000 }, () => env.THING.fetch("http://thing/")));
  return Response.json(results.filter(({ status }) => status === "fulfilled").length);
});
