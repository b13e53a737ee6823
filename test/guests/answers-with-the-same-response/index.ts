import { guest } from "../kit.ts";

const response = new Response("once");
export default guest(() => response);
