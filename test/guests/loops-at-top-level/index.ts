import { guest } from "../kit.ts";

for (;;);
export default guest(() => new Response("never"));
