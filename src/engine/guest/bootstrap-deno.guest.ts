/**
 * The first code of a guest process on Deno. It arrives on standard input.
 */

import { denoPlatform } from "./deno-platform.guest.ts";
import { startGuest } from "./start-guest.guest.ts";

await startGuest(denoPlatform, { end: process.exit.bind(process, 0) });
