/**
 * Reads a few small members out of a tar that streams by; nothing else of it is kept.
 * @see https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html (ustar interchange format)
 */

const BLOCK_BYTES = 512;
const REGULAR = new Set(["0", "\0", ""]);
const LINKS = new Set(["1", "2"]);
/** Say something of the member that follows, its name among it: pax's headers, and GNU's for long names. */
const EXTENSIONS = new Set(["x", "g", "X", "L", "K"]);

/** Which members are wanted, and how large one of them may be. */
export interface TarWishes {
  readonly wanted: ReadonlySet<string>;
  readonly limitBytes: number;
}

/**
 * The texts of the wanted members by name, or why they cannot be read. Whoever unpacks the archive after us must find
 * the same under these names: what could give them to something else by a detour is refused.
 */
export async function readTarMembers(
  tar: ReadableStream<Uint8Array>,
  wishes: TarWishes,
): Promise<Map<string, string> | string> {
  const reader = new BlockReader(tar);
  try {
    return await readAll(reader, wishes);
  } finally {
    await reader.cancel();
  }
}

async function readAll(reader: BlockReader, { wanted, limitBytes }: TarWishes): Promise<Map<string, string> | string> {
  const found = new Map<string, string>();
  const links = new Set<string>();
  for (;;) {
    const header = await reader.take(BLOCK_BYTES);
    if (header === undefined) return found.size === 0 ? "it is no tar file" : found;
    if (header.every((byte) => byte === 0)) continue;
    const member = readHeader(header);
    if (typeof member === "string") return member;
    const { name, kind, bytes } = member;
    if (isDetour(name, links)) return `${JSON.stringify(name)} in it leads elsewhere`;
    if (LINKS.has(kind)) links.add(name);
    const isRead = wanted.has(name) || EXTENSIONS.has(kind);
    const padded = Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;
    if (!isRead && (await reader.skip(padded))) continue;
    if (isRead && bytes > limitBytes) return `${JSON.stringify(name)} in it is too large`;
    const content = isRead ? await reader.take(padded) : undefined;
    if (content === undefined) return "it is cut off";
    const text = content.subarray(0, bytes).toString();
    if (EXTENSIONS.has(kind)) {
      if ([...wanted].some((each) => text.includes(each))) return "it names its manifest twice";
    } else if (!REGULAR.has(kind) || found.has(name)) {
      return `${name} in it is no plain file, or not the only one`;
    } else found.set(name, text);
  }
}

function isDetour(name: string, links: ReadonlySet<string>): boolean {
  const parts = name.split("/");
  return parts.includes("..") || parts.some((_, i) => i > 0 && links.has(parts.slice(0, i).join("/")));
}

function readHeader(header: Buffer): { name: string; kind: string; bytes: number } | string {
  const text = (start: number, end: number) => header.toString("latin1", start, end).split("\0")[0] ?? "";
  const sum = header.reduce((all, byte, i) => all + (i >= 148 && i < 156 ? 0x20 : byte), 0);
  if (Number.parseInt(text(148, 156).trim(), 8) !== sum) return "it is no tar file";
  const isBinary = ((header[124] ?? 0) & 0x80) !== 0;
  const bytes = isBinary ? Number(header.readBigUInt64BE(128)) : Number.parseInt(text(124, 136).trim() || "0", 8);
  if (!Number.isSafeInteger(bytes) || bytes < 0) return "it is no tar file";
  const prefix = text(257, 262) === "ustar" ? text(345, 500) : "";
  const name = prefix === "" ? text(0, 100) : `${prefix}/${text(0, 100)}`;
  // `./a`, `/a`, `b/./a` and `a/` are all the same place.
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  return { name: parts.join("/"), kind: text(156, 157), bytes };
}

/** Bytes of a stream in the pieces that somebody wants. */
class BlockReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
  }

  /** So many bytes; undefined when there are less. */
  async take(bytes: number): Promise<Buffer | undefined> {
    const parts = [this.#rest];
    for (let have = this.#rest.byteLength; have < bytes; ) {
      const next = await this.#next();
      if (next === undefined) return undefined;
      parts.push(next);
      have += next.byteLength;
    }
    const all = Buffer.concat(parts);
    this.#rest = all.subarray(bytes);
    return all.subarray(0, bytes);
  }

  async skip(bytes: number): Promise<boolean> {
    let left = bytes - this.#rest.byteLength;
    this.#rest = this.#rest.subarray(Math.min(bytes, this.#rest.byteLength));
    while (left > 0) {
      const next = await this.#next();
      if (next === undefined) return false;
      this.#rest = next.subarray(Math.min(left, next.byteLength));
      left -= next.byteLength;
    }
    return true;
  }

  async cancel(): Promise<void> {
    await this.#reader.cancel();
  }

  async #next(): Promise<Buffer | undefined> {
    const { value, done } = await this.#reader.read();
    return done ? undefined : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  }
}
