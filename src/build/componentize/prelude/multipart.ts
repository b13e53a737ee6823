/**
 * Form data as bytes, and back.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7578
 */

import { blobBytes, NebulaFile } from "./blob.ts";
import { decodeText, encodeText, fromLatin1, join, toLatin1 } from "./encoding.ts";
import { NebulaFormData } from "./form-data.ts";

/** The body, and the boundary for its type. */
export function writeMultipart(data: NebulaFormData): { bytes: Uint8Array; boundary: string } {
  const boundary = `----nebula-${crypto.randomUUID()}`;
  const pieces: Uint8Array[] = [];
  for (const [name, value] of data) {
    const head = `--${boundary}\r\ncontent-disposition: form-data; name="${escapeName(name.replace(/\r\n|\r|\n/g, "\r\n"))}"`;
    if (value instanceof NebulaFile) {
      const type = value.type || "application/octet-stream";
      pieces.push(encodeText(`${head}; filename="${escapeName(value.name)}"\r\ncontent-type: ${type}\r\n\r\n`));
      pieces.push(blobBytes(value), encodeText("\r\n"));
    } else pieces.push(encodeText(`${head}\r\n\r\n${value.replace(/\r\n|\r|\n/g, "\r\n")}\r\n`));
  }
  pieces.push(encodeText(`--${boundary}--\r\n`));
  return { bytes: join(pieces), boundary };
}

function escapeName(name: string): string {
  return name.replace(/\r/g, "%0D").replace(/\n/g, "%0A").replace(/"/g, "%22");
}

/** @throws {TypeError} when the bytes are not of that type. */
export function parseMultipart(bytes: Uint8Array, type: string): NebulaFormData {
  const boundary = /;\s*boundary=(?:"([^"]+)"|([^;\s]+))/i
    .exec(type)
    ?.slice(1)
    .find((each) => each !== undefined);
  if (boundary === undefined) throw wrong("its type names no boundary");
  // One character for each byte, so that positions in the text are positions in the bytes.
  const text = `\r\n${toLatin1(bytes)}`;
  const parts = text.split(`\r\n--${boundary}`);
  if (parts.length < 2 || !parts.at(-1)?.startsWith("--")) throw wrong("it does not end with its boundary");
  const data = new NebulaFormData();
  for (const part of parts.slice(1, -1)) {
    const end = part.indexOf("\r\n\r\n");
    if (end < 0 || !/^[ \t]*\r\n/.test(part)) throw wrong("a part has no end of its headers");
    const head = decodeText(fromLatin1(part.slice(0, end)));
    const content = fromLatin1(part.slice(end + 4));
    const name = readName(head, "name");
    if (name === undefined) throw wrong("a part has no name");
    const filename = readName(head, "filename");
    const contentType = /^content-type:[ \t]*(.*)$/im.exec(head)?.[1]?.trim() ?? "text/plain";
    if (filename === undefined) data.append(name, decodeText(content));
    else data.append(name, new NebulaFile([content], filename, { type: contentType }));
  }
  return data;
}

function readName(head: string, key: string): string | undefined {
  const found = new RegExp(`^content-disposition:.*;[ \\t]*${key}="([^"]*)"`, "im").exec(head)?.[1];
  return found?.replace(/%0D/gi, "\r").replace(/%0A/gi, "\n").replace(/%22/g, '"');
}

function wrong(why: string): TypeError {
  return new TypeError(`Cannot read form data: ${why}`);
}
