import { guest } from "../kit.ts";

/** An error that claims to be one of the host's, with a stack and a message without end. */
export default guest(() => {
  const error: any = new Error("x".repeat(20_000_000));
  error.name = "NebulaError";
  error.code = "NEBULA_INTERNAL";
  error.status = 200;
  error.stack = "    at host.ts:1:1\n".repeat(1_000_000);
  throw error;
});
