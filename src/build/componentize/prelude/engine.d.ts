/**
 * What newer JavaScript has and TypeScript's library of ES2025 has not: bytes as Base64 and hexadecimal text.
 *
 * @see https://tc39.es/proposal-arraybuffer-base64/
 */

interface Uint8Array<TArrayBuffer extends ArrayBufferLike> {
  toBase64(): string;
  toHex(): string;
}

interface Uint8ArrayConstructor {
  fromBase64(text: string): Uint8Array<ArrayBuffer>;
}
