/**
 * The machine code of a component's core modules as one piece: how many, how long each, and then the bytes.
 */

/** Joins the code of all modules, in order. */
export function joinCode(pieces: readonly Uint8Array[]): Uint8Array | undefined {
  if (pieces.every((piece) => piece.byteLength === 0)) return undefined;
  const lengths = Uint32Array.of(pieces.length, ...pieces.map(({ byteLength }) => byteLength));
  return Buffer.concat([new Uint8Array(lengths.buffer), ...pieces]);
}

/** Takes it apart. The host has checked that it is as it was kept; a module without code has `undefined`. */
export function splitCode(bytes: Uint8Array): (Uint8Array | undefined)[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = view.getUint32(0, true);
  let at = 4 + 4 * count;
  return Array.from({ length: count }, (_, i) => {
    const length = view.getUint32(4 + 4 * i, true);
    at += length;
    return length === 0 ? undefined : bytes.subarray(at - length, at);
  });
}
