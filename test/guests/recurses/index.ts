import { guest } from "../kit.ts";

const deeper = (n: number): number => 1 + deeper(n + 1);
export default guest(() => new Response(String(deeper(0))));
