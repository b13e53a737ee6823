import { guest } from "../kit.ts";

export default guest(() => {
  const forged: any[] = [[{ toString: () => "x-a" }, 7], ["x-b"]];
  Headers.prototype[Symbol.iterator] = function* () {
    yield* forged;
  } as any;
  Headers.prototype.forEach = (each: any) => {
    for (const [name, value] of forged) each(value, name);
  };
  return new Response("forged");
});
