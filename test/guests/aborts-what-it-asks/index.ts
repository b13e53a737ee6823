import { guest } from "../kit.ts";

export default guest(async (_request, env) => {
  const names: string[] = [];
  for (let i = 0; i < 100; i++) {
    const abort = new AbortController();
    const answer = env.THING.fetch("http://thing/", { signal: abort.signal });
    if (i % 2) await null;
    abort.abort(i % 3 ? undefined : { toString: () => "odd" });
    await answer.then(
      () => names.push("answered"),
      () => names.push("aborted"),
    );
  }
  return Response.json([...new Set(names)]);
});
