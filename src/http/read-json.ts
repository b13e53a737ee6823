/**
 * The body of a request to the control API as JSON, up to a size.
 */

import { NebulaError } from "../model/errors.ts";
import { MIB } from "../model/units.ts";

const LIMIT_BYTES = 16 * MIB;

/** @throws {NebulaError} NEBULA_BODY_TOO_LARGE at the first byte above the limit, NEBULA_REQUEST_INVALID for what is no JSON. */
export async function readJson(request: Request, { limitBytes = LIMIT_BYTES } = {}): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > limitBytes)
      throw new NebulaError("NEBULA_BODY_TOO_LARGE", `Cannot read the request: it has more than ${limitBytes} bytes`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    // because the parser's own words quote what was sent, and that may hold secrets
    throw invalid("its body is not JSON");
  }
}

/** A request that the control API does not take; `why` is a clause. */
export function invalid(why: string): NebulaError {
  return new NebulaError("NEBULA_REQUEST_INVALID", `Cannot read the request: ${why}`);
}
