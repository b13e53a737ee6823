/**
 * Reads a few small members out of a tar that streams by; nothing else of it is kept.
 *
 * Readers of tar disagree in many places, and whoever unpacks it after us must find the same members. So only one
 * form is taken, the one that Docker writes: ustar, with pax records that change neither name nor size.
 * @see https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html (ustar interchange format)
 */

const BLOCK_BYTES = 512;
/** An image has a few members for each of its layers, of which there are 127 at the most. */
const MAX_MEMBERS = 10_000;
const REGULAR = "0";
const LINKS = new Set(["1", "2"]);
/** pax's headers: they say more of the member that follows, or of all. */
const EXTENSIONS = new Set(["x", "g"]);
/** Links and folders have no content, whatever they say: some readers skip it, others do not. */
const WITH_CONTENT = new Set([REGULAR, ...EXTENSIONS]);
const KINDS = new Set([...WITH_CONTENT, ...LINKS, "5"]);
const MAGIC = "ustar\0" + "00";
const OCTAL = /^ *[0-7]+[ \0]*$/;
const RECORD_START = /^(\d{1,7}) ([^=]+)=/;
/** Of pax: when, whose, and what the file system knows besides. */
const HARMLESS_RECORD = /^(?:[acm]time|[ug]id|[ug]name|SCHILY\.xattr\..+)$/;

/** Which members are wanted, and how large one of them may be. */
export interface TarWishes {
  readonly wanted: ReadonlySet<string>;
  readonly limitBytes: number;
}

/** The texts of the wanted members by name, or why they cannot be read. */
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
  for (let count = 0; ; count += 1) {
    const header = await reader.take(BLOCK_BYTES);
    if (header === undefined) return found.size === 0 ? "it is no tar file" : found;
    if (header.every((byte) => byte === 0)) continue;
    if (count > MAX_MEMBERS) return `it has more than ${MAX_MEMBERS} members`;
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
    if (EXTENSIONS.has(kind)) {
      const record = findHarmful(content.toString("latin1", 0, bytes));
      if (record !== undefined) return `it says ${JSON.stringify(record)} of a member in an extended header`;
    } else if (kind !== REGULAR || found.has(name)) {
      return `${name} in it is no plain file, or not the only one`;
    } else found.set(name, content.toString("utf8", 0, bytes));
  }
}

function isDetour(name: string, links: ReadonlySet<string>): boolean {
  const parts = name.split("/");
  return parts.includes("..") || parts.some((_, i) => i > 0 && links.has(parts.slice(0, i).join("/")));
}

/** The first of pax's records (`<length> <key>=<value>\n`) that could make a member another one. */
function findHarmful(text: string): string | undefined {
  for (let rest = text; rest !== ""; ) {
    const [, length, key = ""] = RECORD_START.exec(rest) ?? [];
    if (length === undefined || rest[Number(length) - 1] !== "\n") return rest.slice(0, 40);
    if (!HARMLESS_RECORD.test(key)) return key.slice(0, 40);
    rest = rest.slice(Number(length));
  }
  return undefined;
}

function readHeader(header: Buffer): { name: string; kind: string; bytes: number } | string {
  const raw = (start: number, end: number) => header.toString("latin1", start, end);
  const text = (start: number, end: number) => raw(start, end).split("\0")[0] ?? "";
  const octal = (start: number, end: number) =>
    OCTAL.test(raw(start, end)) ? Number.parseInt(raw(start, end), 8) : undefined;
  const sum = header.reduce((all, byte, i) => all + (i >= 148 && i < 156 ? 0x20 : byte), 0);
  if (octal(148, 156) !== sum) return "it is no tar file";
  // Behind the prefix of a name there is nothing: other forms have other fields there.
  const isPlain = raw(257, 265) === MAGIC && header.subarray(500).every((byte) => byte === 0);
  const bytes = octal(124, 136);
  const [name, prefix, kind] = [text(0, 100), text(345, 500), raw(156, 157)];
  const isOdd = bytes === undefined || !KINDS.has(kind) || (bytes > 0 && !WITH_CONTENT.has(kind));
  if (!isPlain || isOdd || (kind === REGULAR && name.endsWith("/"))) {
    return `${JSON.stringify(name)} in it is not written as in ustar`;
  }
  // `./a`, `/a`, `b/./a` and `a/` are all the same place.
  const parts = `${prefix}/${name}`.split("/").filter((part) => part !== "" && part !== ".");
  return { name: parts.join("/"), kind, bytes };
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
