/**
 * Puts encoder and decoder of text into the global scope. Imported first of all: what is shared with other hosts of
 * JavaScript makes some when it is loaded.
 */

import { NebulaTextDecoder, NebulaTextEncoder } from "./encoding.ts";

for (const [name, value] of Object.entries({ TextDecoder: NebulaTextDecoder, TextEncoder: NebulaTextEncoder })) {
  Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
}
