import { guest } from "../kit.ts";

export default guest(async () => {
  const names: string[] = [];
  for (const init of [
    [`http://x/${"a".repeat(3_000_000)}`],
    ["http://x/", { headers: { "x-a": "b".repeat(3_000_000) } }],
    ["http://x/", { method: "M".repeat(1_000) }],
  ] as const) {
    try {
      await fetch(init[0], init[1]);
      names.push("sent");
    } catch (error: any) {
      names.push(error.name);
    }
  }
  return Response.json(names);
});
