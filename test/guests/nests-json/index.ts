import { guest } from "../kit.ts";

export default guest(() => {
  const names: string[] = [];
  for (const go of [
    () => JSON.stringify(JSON.parse("[".repeat(500_000) + "]".repeat(500_000))),
    () => Response.json(nested()),
  ]) {
    try {
      go();
      names.push("done");
    } catch (error: any) {
      names.push(error.name);
    }
  }
  return Response.json(names);
});
const nested = () => {
  let value: unknown = 1;
  for (let i = 0; i < 200_000; i++) value = { value };
  return value;
};
