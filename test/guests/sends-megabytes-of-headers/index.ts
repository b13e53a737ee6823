import { guest } from "../kit.ts";

export default guest(() => new Response("", { headers: { "x-long": "a".repeat(5_000_000) } }));
