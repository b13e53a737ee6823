/**
 * Heads of tar members, as every tool reads them. The same files give the same bytes: owners are not told.
 * @see https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html (ustar and pax interchange format)
 */

/** One member. */
export interface TarMember {
  /** With `/`, relative. */
  readonly path: string;
  readonly kind: "file" | "folder" | "link";
  /** Permission bits. */
  readonly mode: number;
  readonly bytes: number;
  readonly changedAtMs: number;
  /** Where a symbolic link leads. */
  readonly target?: string;
}

/** Members begin on whole blocks. */
const BLOCK_BYTES = 512;
/** What ends an archive. */
export const TAR_END: Uint8Array = new Uint8Array(2 * BLOCK_BYTES);

const NAME_BYTES = 100;
/** The most that eleven octal digits can say. */
const MAX_OCTAL_BYTES = 8 ** 11 - 1;
const TYPES = { file: "0", folder: "5", link: "2", pax: "x" } as const;

/** What comes before a member's content. */
export function toTarHead(member: TarMember): Uint8Array {
  const { path, target = "", bytes } = member;
  const name = member.kind === "folder" ? `${path}/` : path;
  const records = [
    ...(fits(name) ? [] : [["path", name] as const]),
    ...(fits(target) ? [] : [["linkpath", target] as const]),
    ...(bytes <= MAX_OCTAL_BYTES ? [] : [["size", String(bytes)] as const]),
  ];
  const head = toBlock({ ...member, name, target, type: TYPES[member.kind] });
  if (records.length === 0) return head;
  const extended = Buffer.concat(records.map(([key, value]) => toRecord(key, value)));
  const first = toBlock({
    ...{ name: "pax", target: "", type: TYPES.pax, mode: 0o644, changedAtMs: 0 },
    bytes: extended.byteLength,
  });
  return Buffer.concat([first, extended, toPadding(extended.byteLength), head]);
}

/** What comes after a member's content. */
export function toPadding(bytes: number): Uint8Array {
  return new Uint8Array((BLOCK_BYTES - (bytes % BLOCK_BYTES)) % BLOCK_BYTES);
}

function fits(text: string): boolean {
  return text.length <= NAME_BYTES && Buffer.byteLength(text) === text.length;
}

interface Block extends Pick<TarMember, "mode" | "bytes" | "changedAtMs"> {
  readonly name: string;
  readonly target: string;
  readonly type: string;
}

function toBlock({ name, target, type, mode, bytes, changedAtMs }: Block): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  const octal = (value: number, at: number, digits: number) =>
    block.write(value.toString(8).padStart(digits, "0"), at, "latin1");
  block.write(name, 0, NAME_BYTES, "utf8");
  octal(mode, 100, 7);
  octal(0, 108, 7);
  octal(0, 116, 7);
  octal(Math.min(bytes, MAX_OCTAL_BYTES), 124, 11);
  octal(Math.max(0, Math.floor(changedAtMs / 1000)), 136, 11);
  block.fill(" ", 148, 156);
  block.write(type, 156, "latin1");
  block.write(target, 157, NAME_BYTES, "utf8");
  block.write("ustar\0" + "00", 257, "latin1");
  const sum = block.reduce((all, byte) => all + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

/** `<length> <key>=<value>\n`, where the length counts itself. */
function toRecord(key: string, value: string): Buffer {
  const rest = ` ${key}=${value}\n`;
  const bytes = Buffer.byteLength(rest);
  let length = bytes + String(bytes).length;
  if (bytes + String(length).length !== length) length = bytes + String(length).length;
  return Buffer.from(`${length}${rest}`);
}
