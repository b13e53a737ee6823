import { guest } from "../kit.ts";

export default guest(() => new Response("much longer than it says", { headers: { "content-length": "4" } }));
