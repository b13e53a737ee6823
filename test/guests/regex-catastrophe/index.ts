import { guest } from "../kit.ts";

export default guest(() => new Response(String(/^(a+)+$/.test(`${"a".repeat(60)}b`))));
