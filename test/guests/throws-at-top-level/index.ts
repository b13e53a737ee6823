import { guest } from "../kit.ts";

throw Object.assign(new Error("too early"), { code: "NEBULA_INTERNAL" });
export default guest(() => new Response("never"));
