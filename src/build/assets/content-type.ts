/**
 * Content types of static files, and which of them shrink when compressed.
 */

import { lookup } from "mrmime";

/** The type for a file name. Text is UTF-8, as on Workers; what is not known is bytes. */
export function toContentType(fileName: string): string {
  const type = lookup(fileName) ?? "application/octet-stream";
  return type.startsWith("text/") ? `${type}; charset=utf-8` : type;
}

const COMPRESSIBLE =
  /^(?:text\/|[^;]*\+(?:json|xml)|application\/(?:javascript|json|xml|wasm|rtf|vnd\.ms-fontobject|x-javascript|manifest)|font\/(?:ttf|otf|collection)|image\/(?:bmp|x-icon|vnd\.microsoft\.icon))/;

/** Whether compression is worth a try. Pictures, films, archives and WOFF are compressed already. */
export function isCompressible(contentType: string): boolean {
  return COMPRESSIBLE.test(contentType);
}
