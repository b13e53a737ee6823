import { describe, expect, it } from "vitest";
import { checkArchive } from "../../../../src/engine/container/image-archive.ts";
import { TAR_END, toPadding, toTarHead } from "../../../../src/engine/container/tar-writer.ts";

const HEX = "ab".repeat(32);
const IMAGE = `sha256:${HEX}`;
const MANIFEST = JSON.stringify([{ Config: `${HEX}.json`, RepoTags: null, Layers: [] }]);

type Member = readonly [path: string, content: string, kind?: "file" | "folder" | "link"];

/** What is written over a head, and where. */
type Edit = readonly [at: number, text: string];

/** As it arrives: in pieces of any size. */
function tarOf(members: readonly Member[], pieceBytes = 777): ReadableStream<Uint8Array> {
  const parts = members.flatMap(([path, content, kind = "file"]) => {
    const bytes = kind === "file" ? Buffer.byteLength(content) : 0;
    const head = toTarHead({ path, kind, mode: 0o644, bytes, changedAtMs: 0, target: kind === "link" ? content : "" });
    return kind === "file" ? [head, Buffer.from(content), toPadding(bytes)] : [head];
  });
  return streamOf(Buffer.concat([...parts, TAR_END]), pieceBytes);
}

function streamOf(bytes: Uint8Array, pieceBytes: number): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull: (controller) => {
      if (at >= bytes.byteLength) controller.close();
      else controller.enqueue(bytes.slice(at, at + pieceBytes));
      at += pieceBytes;
    },
  });
}

const check = (members: readonly Member[], pieceBytes?: number) =>
  checkArchive(tarOf(members, pieceBytes), { image: IMAGE });

describe("checkArchive()", () => {
  it("takes what docker save writes, however it comes", async () => {
    const members: Member[] = [
      ["layer", "", "folder"],
      ["layer/layer.tar", "x".repeat(5_000)],
      ["manifest.json", MANIFEST],
    ];
    for (const pieceBytes of [1, 511, 512, 100_000]) await expect(check(members, pieceBytes)).resolves.toBeUndefined();
    const blobs = JSON.stringify([{ Config: `blobs/sha256/${HEX}`, RepoTags: [] }]);
    const index = JSON.stringify({ manifests: [{ digest: IMAGE, annotations: { other: "x" } }] });
    await expect(
      check([
        ["index.json", index],
        ["manifest.json", blobs],
      ]),
    ).resolves.toBeUndefined();
  });

  const named = JSON.stringify([{ Config: `${HEX}.json`, RepoTags: ["postgres:latest"] }]);
  const other = JSON.stringify([{ Config: `${"cd".repeat(32)}.json`, RepoTags: null }]);
  const two = JSON.stringify([...JSON.parse(MANIFEST), ...JSON.parse(MANIFEST)]);
  const index = JSON.stringify({ manifests: [{ annotations: { "io.containerd.image.name": "postgres" } }] });
  const REFUSED: readonly (readonly [why: string, members: readonly Member[], message: string])[] = [
    ["names its image", [["manifest.json", named]], "it gives its image a name"],
    [
      "names it for containerd",
      [
        ["manifest.json", MANIFEST],
        ["index.json", index],
      ],
      "it gives its image a name",
    ],
    [
      "names it in the old form",
      [
        ["manifest.json", MANIFEST],
        ["repositories", "{}"],
      ],
      "in an old form",
    ],
    ["holds another image", [["manifest.json", other]], "it holds another image"],
    ["holds two", [["manifest.json", two]], "exactly one image"],
    ["has no manifest", [["index.json", "{}"]], "it has no manifest"],
    ["has nothing at all", [], "it is no tar file"],
    [
      "has two manifests",
      [
        ["manifest.json", MANIFEST],
        ["./manifest.json", named],
      ],
      "not the only one",
    ],
    ["has a link for a manifest", [["manifest.json", "other", "link"]], "no plain file"],
    [
      "leads to its manifest by a link",
      [
        ["a", ".", "link"],
        ["a/manifest.json", named],
      ],
      "leads elsewhere",
    ],
    ["leads out of itself", [["a/../manifest.json", named]], "leads elsewhere"],
    ["names it in small letters", [["manifest.json", MANIFEST.replace("Layers", "repotags")]], 'a field "repotags"'],
    [
      "names it in letters that look alike",
      [["manifest.json", MANIFEST.replace("Layers", "RepoTag\u017f")]],
      "a field",
    ],
    [
      "names it for containerd in capitals",
      [
        ["manifest.json", MANIFEST],
        ["index.json", index.replace("annotations", "Annotations")],
      ],
      'a field "Annotations"',
    ],
    ["has a huge manifest", [["manifest.json", " ".repeat(1_048_577)]], "too large"],
    ["has a manifest that is no JSON", [["manifest.json", "{"]], "its manifest is not JSON"],
  ];
  it.each(REFUSED)("refuses an archive that %s", async (_, members, message) => {
    await expect(check(members)).rejects.toThrow(`Cannot load the image archive: `);
    await expect(check(members)).rejects.toThrow(message);
  });

  // Each of these hides a second manifest: Docker reads it, and a reader that takes the head at its word does not.
  const head = (path: string, kind: "file" | "folder" | "link", edits: readonly Edit[], bytes = 0) => {
    const block = Buffer.from(toTarHead({ path, kind, mode: 0o644, bytes, changedAtMs: 0, target: "." }));
    for (const [at, text] of edits) block.write(text, at, "latin1");
    const sum = block.reduce((all, byte, i) => all + (i >= 148 && i < 156 ? 0x20 : byte), 0);
    block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
    return block;
  };
  const hidden = Buffer.concat([
    head("manifest.json", "file", [], named.length),
    Buffer.from(named),
    toPadding(named.length),
  ]);
  const asManifest = (...edits: Edit[]) =>
    Buffer.concat([head("manifest.json", "file", edits, named.length), hidden.subarray(512)]);
  const pax = (record: string) =>
    Buffer.concat([head("pax", "file", [[156, "x"]], record.length), Buffer.from(record), toPadding(record.length)]);
  const size: Edit = [124, hidden.byteLength.toString(8).padStart(11, "0")];
  const HIDDEN: readonly (readonly [where: string, tar: Uint8Array, message: string])[] = [
    ["behind a name in an extended header", pax("27 path=x/../manifest.json\n"), 'it says "path"'],
    [
      "in a file that an extended header says is empty",
      Buffer.concat([pax("10 size=0\n"), head("x", "file", [size]), hidden]),
      'it says "size"',
    ],
    ["behind an extended header that is none", pax("99 mtime=0\n"), "it says"],
    [
      "in the content of a folder",
      Buffer.concat([head("x", "folder", [size]), hidden]),
      '"x/" in it is not written as in ustar',
    ],
    [
      "in the content of a link",
      Buffer.concat([head("x", "link", [size]), hidden]),
      '"x" in it is not written as in ustar',
    ],
    [
      "in the content of an old folder",
      Buffer.concat([head("x/", "file", [size, [156, "\0"]]), hidden]),
      '"x/" in it is not written as in ustar',
    ],
    [
      "behind the blocks of an old sparse file",
      head("x", "file", [[156, "S"]]),
      '"x" in it is not written as in ustar',
    ],
    [
      "under a prefix that GNU takes for a time",
      asManifest([257, "ustar  \0"], [345, "0".repeat(11)]),
      '"manifest.json" in it is not written as in ustar',
    ],
    [
      "under a prefix that ends where star has other fields",
      asManifest([345, "./".repeat(70)], [508, "tar\0"]),
      '"manifest.json" in it is not written as in ustar',
    ],
    [
      "behind a size that begins with nothing",
      Buffer.concat([head("x", "file", [[124, "\0\0\x0000001000"]]), Buffer.alloc(512), hidden]),
      '"x" in it is not written as in ustar',
    ],
  ];
  it.each(HIDDEN)("refuses an archive with another manifest %s", async (_, bytes, message) => {
    const whole = Buffer.from(await new Response(tarOf([["manifest.json", MANIFEST]])).arrayBuffer());
    const tar = Buffer.concat([whole.subarray(0, -TAR_END.byteLength), bytes, TAR_END]);
    await expect(checkArchive(streamOf(tar, 512), { image: IMAGE })).rejects.toThrow(message);
  });

  it("takes what extended headers say of times and owners", async () => {
    const whole = Buffer.from(await new Response(tarOf([["manifest.json", MANIFEST]])).arrayBuffer());
    const tar = Buffer.concat([pax("12 mtime=42\n22 SCHILY.xattr.a=b=c\n"), whole]);
    await expect(checkArchive(streamOf(tar, 512), { image: IMAGE })).resolves.toBeUndefined();
  });

  it("refuses an archive of endless members", async () => {
    const one = Buffer.from(head("x", "link", []));
    const endless = new ReadableStream<Uint8Array>({ pull: (controller) => controller.enqueue(one) });
    await expect(checkArchive(endless, { image: IMAGE })).rejects.toThrow("it has more than 10000 members");
  });

  it("refuses what is cut off, compressed, or no archive", async () => {
    const whole = Buffer.from(await new Response(tarOf([["manifest.json", MANIFEST]])).arrayBuffer());
    for (const bytes of [whole.subarray(0, 700), Buffer.from([0x1f, 0x8b, 8, 0]), Buffer.alloc(600, 7)]) {
      await expect(checkArchive(streamOf(bytes, 512), { image: IMAGE })).rejects.toThrow(/cut off|no tar file/);
    }
  });
});
