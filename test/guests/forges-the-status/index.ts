import { guest } from "../kit.ts";

const forged = [999, 101, 100, -1, 1e9, 200.5, "200", null, {}, Number.NaN];
let next = 0;
/** One after the other: a status that HTTP does not have. */
export default guest(() =>
  Object.defineProperty(new Response("forged"), "status", { value: forged[next++ % forged.length] }),
);
