import { guest } from "../kit.ts";

/** Takes the methods that a runtime lives on. */
export default guest(() => {
  const broken = () => {
    throw new Error("polluted");
  };
  for (const target of [Map.prototype, Set.prototype, WeakMap.prototype, Array.prototype, Promise.prototype]) {
    for (const name of [
      "get",
      "set",
      "has",
      "delete",
      "push",
      "shift",
      "splice",
      "map",
      "then",
      "catch",
      "finally",
      "values",
      Symbol.iterator,
    ] as const) {
      if (name in target) (target as any)[name] = broken;
    }
  }
  return new Response("polluted");
});
