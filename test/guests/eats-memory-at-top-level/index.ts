import { guest } from "../kit.ts";

const all: number[] = [];
for (;;) all.push(1);
export default guest(() => new Response("never"));
