import { guest } from "../kit.ts";

export default guest(() => new Response("not read"));
