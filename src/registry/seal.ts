/**
 * Seals a text so that it can lie in a database: AES-256-GCM, with a fresh nonce each time.
 *
 *     sealed  =  nonce (12 bytes)  ciphertext  tag (16 bytes)
 *
 * Where it lies is sealed with it: moved to another function, another name or another key, it does not open.
 *
 * @see https://csrc.nist.gov/pubs/sp/800/38/d/final (8.2.2: random nonces of 96 bits; nobody seals 2^32 times with one key)
 */

import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import type { SecretPlace } from "../model/secrets.ts";

/** A key, and the name under which rows refer to it. */
export interface SealKey {
  readonly id: string;
  /** KEY_BYTES of them. */
  readonly bytes: Uint8Array;
}

/** What AES-256 takes. */
export const KEY_BYTES = 32;
const CIPHER = "aes-256-gcm";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** A key that nobody has had before. */
export function createSealKey(): SealKey {
  return { id: `k_${randomBytes(8).toString("hex")}`, bytes: randomBytes(KEY_BYTES) };
}

/** Seals a text for its place. */
export function seal(text: string, key: SealKey, place: SecretPlace): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key.bytes, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(describe(key, place));
  return Buffer.concat([nonce, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]);
}

/** The text; `undefined` when a bit of it, its place or its key is another than when it was sealed. */
export function findSealed(sealed: Uint8Array, key: SealKey, place: SecretPlace): string | undefined {
  if (sealed.byteLength < NONCE_BYTES + TAG_BYTES) return undefined;
  const tagAt = sealed.byteLength - TAG_BYTES;
  const decipher = createDecipheriv(CIPHER, key.bytes, sealed.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(describe(key, place));
  decipher.setAuthTag(sealed.subarray(tagAt));
  const bytes = decipher.update(sealed.subarray(NONCE_BYTES, tagAt));
  try {
    return Buffer.concat([bytes, decipher.final()]).toString("utf8");
  } catch {
    // because that is how Node says that the tag is another one, and it says no more
    return undefined;
  }
}

/** What is sealed with the text. JSON keeps the parts apart whatever they hold. */
function describe({ id }: SealKey, { functionName, name }: SecretPlace): Buffer {
  return Buffer.from(JSON.stringify(["nebula secret", functionName, name, id]));
}
