import { guest } from "../kit.ts";

/** One allocation larger than everything: refused as the language refuses it. */
export default guest(() => {
  const names: string[] = [];
  for (const ask of [
    () => new ArrayBuffer(64 * 2 ** 30),
    () => new Uint8Array(2 ** 40),
    () => "x".repeat(2 ** 30),
    () => new Array(2 ** 32),
  ]) {
    try {
      ask();
      names.push("given");
    } catch (error: any) {
      names.push(error.name);
    }
  }
  return Response.json(names);
});
