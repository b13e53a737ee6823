import { withDeno } from "../support/deno.ts";
import { hostileGuests } from "./guests.suite.ts";

await withDeno("a hostile guest on Deno", () => hostileGuests("a hostile guest on Deno", "deno"));
