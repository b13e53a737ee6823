import { guest } from "../kit.ts";

export default guest(async (_request, env) => {
  let made = 0;
  const errors = new Set<string>();
  for (let i = 0; i < 10_000; i++) {
    try {
      await env.THING.fetch("http://thing/");
      made++;
    } catch (error: any) {
      errors.add(error.name);
    }
  }
  return Response.json({ made, errors: [...errors] });
});
