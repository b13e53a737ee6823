/**
 * Codecs of handles.
 */

import { type Codec, toIntCodec } from "./codec.guest.ts";
import type { ResourceType } from "./resource-type.guest.ts";

/** A resource that changes hands. */
export function own(type: ResourceType): Codec {
  return toIntCodec({
    size: 4,
    decode: (port, index) => port.takeOwn(index, type),
    encode: (port, value) => port.addOwn(value, type),
  });
}

/** A resource that is lent for a call. */
export function borrow(type: ResourceType): Codec {
  return toIntCodec({
    size: 4,
    lends: true,
    decode: (port, index) => port.lend(index, type),
    encode: (port, value) => port.addBorrow(value, type),
  });
}
