/**
 * The first code of a guest process on Node. It arrives on standard input.
 */

import { nodePlatform } from "./node-platform.guest.ts";
import { startGuest } from "./start-guest.guest.ts";

await startGuest(nodePlatform, { end: process.exit.bind(process, 0) });
