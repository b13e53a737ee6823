import { guest } from "../kit.ts";

export default guest(() => new Proxy(new Response("inner"), {}));
