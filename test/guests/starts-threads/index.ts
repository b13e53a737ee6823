import { guest, tryAll } from "../kit.ts";

export default guest(() => {
  const any = globalThis as any;
  return tryAll({
    Worker: () => new any.Worker(URL.createObjectURL(new Blob(["1"]))),
    nodeWorker: async () => {
      const name = "node:worker_threads";
      return new (await import(name)).Worker("1", { eval: true });
    },
    childProcess: async () => {
      const name = "node:child_process";
      return (await import(name)).execSync("id");
    },
    cluster: async () => {
      const name = "node:cluster";
      return (await import(name)).fork();
    },
    denoCommand: () => new any.Deno.Command("id").outputSync(),
    bun: () => any.Bun.spawn(["id"]),
  });
});
