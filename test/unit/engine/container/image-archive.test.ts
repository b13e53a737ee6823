import { describe, expect, it } from "vitest";
import { checkArchive } from "../../../../src/engine/container/image-archive.ts";
import { TAR_END, toPadding, toTarHead } from "../../../../src/engine/container/tar-writer.ts";

const HEX = "ab".repeat(32);
const IMAGE = `sha256:${HEX}`;
const MANIFEST = JSON.stringify([{ Config: `${HEX}.json`, RepoTags: null, Layers: [] }]);

type Member = readonly [path: string, content: string, kind?: "file" | "folder" | "link"];

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
      [`${"long/".repeat(30)}name`, "y"],
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
    ["has a huge manifest", [["manifest.json", " ".repeat(1_048_577)]], "too large"],
    ["has a manifest that is no JSON", [["manifest.json", "{"]], "its manifest is not JSON"],
  ];
  it.each(REFUSED)("refuses an archive that %s", async (_, members, message) => {
    await expect(check(members)).rejects.toThrow(`Cannot load the image archive: `);
    await expect(check(members)).rejects.toThrow(message);
  });

  it("refuses a name that is given by an extended header", async () => {
    const record = "27 path=x/../manifest.json\n";
    const pax = toTarHead({ path: "pax", kind: "file", mode: 0, bytes: record.length, changedAtMs: 0 });
    pax[156] = "x".charCodeAt(0);
    const sum = pax.reduce((all, byte, i) => all + (i >= 148 && i < 156 ? 0x20 : byte), 0);
    pax.set(Buffer.from(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
    const tar = Buffer.concat([pax, Buffer.from(record), toPadding(record.length), TAR_END]);
    await expect(checkArchive(streamOf(tar, 512), { image: IMAGE })).rejects.toThrow("it names its manifest twice");
  });

  it("refuses what is cut off, compressed, or no archive", async () => {
    const whole = Buffer.from(await new Response(tarOf([["manifest.json", MANIFEST]])).arrayBuffer());
    for (const bytes of [whole.subarray(0, 700), Buffer.from([0x1f, 0x8b, 8, 0]), Buffer.alloc(600, 7)]) {
      await expect(checkArchive(streamOf(bytes, 512), { image: IMAGE })).rejects.toThrow(/cut off|no tar file/);
    }
  });
});
