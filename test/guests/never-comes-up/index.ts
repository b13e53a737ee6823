import { guest } from "../kit.ts";

await new Promise(() => {});
export default guest(() => new Response("never"));
