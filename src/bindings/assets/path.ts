/**
 * URL paths: from the request's spelling to the manifest's, and back.
 *
 * A file has one canonical path on the wire: its manifest path with every segment percent-encoded. Other spellings
 * of it (`/b%6Fo`, `//a`, `/ü`) are decoded to find it and then redirected there.
 * Nothing here touches a file system: a decoded `..` is a name that no manifest has.
 */

/** The path as it stands in an absolute URL, unparsed; empty or odd when the URL is odd. Costs no allocation to speak of. */
export function findRawPath(url: string): string {
  const start = url.indexOf("/", url.indexOf("://") + 3);
  const end = url.indexOf("?", start);
  return end === -1 ? url.slice(start) : url.slice(start, end);
}

/**
 * Decodes each segment and joins runs of slashes, which would otherwise make `Location: //host`.
 *
 *     "/a%20b//c%2Fd"  →  "/a b/c/d"        "/%zz"  →  "/%zz"
 *
 * @see https://developers.cloudflare.com/workers/static-assets/routing/advanced/html-handling/
 */
export function decodePath(path: string): string {
  return path.split("/").map(decodeSegment).join("/").replace(/\/+/g, "/");
}

/** Encodes each segment: the one spelling under which a file is served. */
export function encodePath(path: string): string {
  return path.split("/").map(encodeSegment).join("/");
}

function decodeSegment(segment: string): string {
  if (!segment.includes("%")) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment; // because a broken escape stands for itself
  }
}

function encodeSegment(segment: string): string {
  return encodeURIComponent(segment.toWellFormed());
}
