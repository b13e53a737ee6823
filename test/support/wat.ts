/**
 * Modules for tests, written as text and assembled by binaryen.
 */

import binaryen from "binaryen";

/** The bytes of a module; every proposal that binaryen knows may be used. */
export function assembleWat(text: string): Uint8Array<ArrayBuffer> {
  const module = binaryen.parseText(text);
  try {
    module.setFeatures(binaryen.Features.All);
    return Uint8Array.from(module.emitBinary());
  } finally {
    module.dispose();
  }
}
