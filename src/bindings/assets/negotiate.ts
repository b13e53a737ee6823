/**
 * Accept-Encoding: which form of a file a client wants.
 *
 * The highest weight wins, and among equals the fewest bytes. Identity is the last resort unless it is asked for by
 * name, and it is sent even where the client forbids it: a readable file beats a 406.
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3
 */

import type { Representation, StoredFile } from "./representation.ts";

/** The representation to send for an Accept-Encoding header; without the header, the file as it is. */
export function selectRepresentation(file: StoredFile, acceptEncoding: string | undefined): Representation {
  if (file.encoded.length === 0 || acceptEncoding === undefined) return file.identity;
  const weights = parseWeights(acceptEncoding);
  let best: Representation = file.identity;
  let bestWeight = weights.get("identity") ?? 0;
  for (const form of file.encoded) {
    const weight = weights.get(form.encoding) ?? weights.get("*") ?? 0;
    const isSmaller = best === file.identity && form.blob.bytes < best.blob.bytes;
    if (weight > 0 && (weight > bestWeight || (weight === bestWeight && isSmaller))) {
      best = form;
      bestWeight = weight;
    }
  }
  return best;
}

/** Reads `gzip;q=0.5, br` as `{ gzip → 0.5, br → 1 }`; a weight that is none counts as 0. */
function parseWeights(header: string): Map<string, number> {
  const weights = new Map<string, number>();
  for (const item of header.toLowerCase().split(",")) {
    const [name = "", ...parameters] = item.split(";");
    const coding = name.trim() === "x-gzip" ? "gzip" : name.trim();
    if (coding !== "") weights.set(coding, toWeight(parameters));
  }
  return weights;
}

const WEIGHT = /^\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*$/;

function toWeight(parameters: readonly string[]): number {
  const parameter = parameters.find((text) => text.trimStart().startsWith("q"));
  if (parameter === undefined) return 1;
  const weight = WEIGHT.exec(parameter)?.[1];
  return weight === undefined ? 0 : Number(weight);
}
