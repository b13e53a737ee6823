import { hostileGuests } from "./guests.suite.ts";

await hostileGuests("a hostile guest", "node");
