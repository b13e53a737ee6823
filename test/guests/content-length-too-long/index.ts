import { guest } from "../kit.ts";

export default guest(() => new Response("short", { headers: { "content-length": "5000" } }));
