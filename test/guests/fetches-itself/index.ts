import { guest } from "../kit.ts";

/** A fork bomb of requests: each asks for two more. */
export default guest(async (request) => {
  const answers = await Promise.allSettled([fetch(request.url), fetch(request.url)]);
  return Response.json(answers.map(({ status }) => status));
});
