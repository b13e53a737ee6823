/**
 * Images that do not come up, and what is said of them.
 */

import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import { TAR_END, toPadding, toTarHead } from "../../src/engine/container/tar-writer.ts";
import { listen } from "../../src/http/listen.ts";
import type { ImageArtifact } from "../../src/model/artifact.ts";
import { ask, askText, rejectionOf, until } from "../support/capabilities.ts";
import { openContainerLab } from "../support/container-lab.ts";
import { docker, withDocker } from "../support/docker.ts";

const serve = (answer: string) => ["node", "-e", `require("http").createServer((q, r) => { ${answer} }).listen(8080)`];

await withDocker("images that do not come up", async () => {
  const lab = await openContainerLab();
  afterAll(() => lab[Symbol.asyncDispose]());
  const limits = { startMs: 1_500 };

  /** An image with nothing in it, as `docker save` would write it. */
  const archiveOf = (config: object): ImageArtifact => {
    const layer = TAR_END;
    const rootfs = { type: "layers", diff_ids: [`sha256:${sha256(layer)}`] };
    const text = JSON.stringify({ os: "linux", architecture: "amd64", rootfs, config: { Cmd: ["/x"] }, ...config });
    const hex = sha256(Buffer.from(text));
    const manifest = JSON.stringify([{ Config: `${hex}.json`, RepoTags: null, Layers: ["layer.tar"] }]);
    const members = { [`${hex}.json`]: Buffer.from(text), "layer.tar": layer, "manifest.json": Buffer.from(manifest) };
    const parts = Object.entries(members).flatMap(([path, bytes]) => [
      toTarHead({ path, kind: "file", mode: 0o644, bytes: bytes.byteLength, changedAtMs: 0 }),
      bytes,
      toPadding(bytes.byteLength),
    ]);
    const tar = Buffer.concat([...parts, TAR_END]);
    const digest = `sha256:${sha256(tar)}` as const;
    lab.blobs.set(digest, tar);
    return { kind: "image", image: `sha256:${hex}`, archive: { digest, bytes: tar.byteLength } };
  };

  describe("prepare()", () => {
    const refusal = async (deployment: Parameters<typeof lab.prepare>[0]) => {
      const error = await rejectionOf(lab.prepare(deployment));
      expect(error.code).toBe("NEBULA_PREPARE_FAILED");
      expect(error.details.function).toBe("guest");
      expect(await lab.list("{{.Names}}")).toEqual([]);
      return error;
    };

    it("tells how a container ended that does not stay, with the last that it printed", async () => {
      const error = await refusal(lab.script("echo starting; echo no database >&2; exit 3"));
      expect(error.message).toContain('Cannot start "guest": its container ended (exit code 3) before it was ready');
      expect(error.message).toMatch(/The last that it printed:\n.*starting/s);
      expect(error.message).toContain("no database");
    });

    it("tells where it listens instead of its port", async () => {
      const error = await refusal(lab.deploy({ limits, container: { args: serve("r.end()"), port: 81 } }));
      expect(error.message).toContain("it did not accept connections on port 81 within 1.5 s (it listens on 8080)");
    });

    it("tells when it listens for itself alone", async () => {
      const args = ["node", "-e", 'require("http").createServer().listen(8080, "127.0.0.1")'];
      expect((await refusal(lab.deploy({ limits, container: { args } }))).message).toContain("its own 127.0.0.1 alone");
    });

    it("tells what a probe says that is not content", async () => {
      const probe = "/health";
      const ask = async (answer: string) =>
        (await refusal(lab.deploy({ limits, container: { probe, args: serve(answer) } }))).message;
      expect(await ask("r.statusCode = q.url === '/health' ? 503 : 200; r.end()")).toContain("its probe answered 503");
      expect(await ask("")).toContain("its probe did not answer");
      expect(await ask("q.socket.end('garbage, and more of it')")).toContain("its probe did not answer with HTTP");
    });

    it("refuses an image of another architecture", async () => {
      const { message } = await refusal(lab.deploy({ artifact: archiveOf({ architecture: "s390x" }) }));
      expect(message).toContain("its image is for linux/s390x, and this machine is linux/amd64");
    });

    it("refuses a program that is not in its image, in Docker's words", async () => {
      const { message } = await refusal(lab.deploy({ artifact: archiveOf({}) }));
      expect(message).toMatch(/Docker cannot start the container: .*\/x.* no such file/s);
    });

    it("refuses an archive that is damaged, names its image, or holds another", async () => {
      const whole = archiveOf({ author: "whole" });
      const other = archiveOf({ author: "other" });
      const { archive } = whole;
      if (archive === undefined || other.archive === undefined) throw new Error("no archive");
      const mixed = { ...whole, archive: other.archive };
      expect((await refusal(lab.deploy({ artifact: mixed }))).message).toContain("it holds another image");
      lab.blobs.set(archive.digest, (lab.blobs.get(archive.digest) ?? Buffer.alloc(0)).subarray(0, 1_700));
      expect((await refusal(lab.deploy({ artifact: whole }))).message).toMatch(/cut off|no manifest|no tar/);
    });

    it("refuses an image that is neither here nor anywhere", async () => {
      const image = `127.0.0.1:1/none@sha256:${"0".repeat(64)}`;
      const { message } = await refusal(lab.deploy({ artifact: { kind: "image", image } }));
      expect(message).toMatch(/Docker cannot pull "127\.0\.0\.1:1\/none@sha256:0+": .*refused/);
      const byName = lab.deploy({ artifact: { kind: "image", image: "debian:latest" } });
      expect((await refusal(byName)).message).toContain("its image has neither an id nor a digest");
    });

    it("pulls an image by its digest, and says so in the log", async () => {
      const layer = gzipSync(TAR_END);
      const rootfs = { type: "layers", diff_ids: [`sha256:${sha256(TAR_END)}`] };
      const text = { os: "linux", architecture: "amd64", author: String(Date.now()), rootfs, config: { Cmd: ["/x"] } };
      const config = Buffer.from(JSON.stringify(text));
      const describe = (kind: string, bytes: Uint8Array) => ({
        mediaType: `application/vnd.docker.${kind}`,
        digest: `sha256:${sha256(bytes)}`,
        size: bytes.byteLength,
      });
      const mediaType = "application/vnd.docker.distribution.manifest.v2+json";
      const layers = [describe("image.rootfs.diff.tar.gzip", layer)];
      const parts = { schemaVersion: 2, mediaType, config: describe("container.image.v1+json", config), layers };
      const manifest = Buffer.from(JSON.stringify(parts));
      const known = new Map([layer, config, manifest].map((bytes) => [`sha256:${sha256(bytes)}`, bytes]));
      const registry = createServer((request, response) => {
        const bytes = known.get(request.url?.split("/").at(-1) ?? "");
        if (request.url === "/v2/") response.end("{}");
        else if (bytes === undefined) response.writeHead(404).end();
        else response.setHeader("content-type", bytes === manifest ? mediaType : "application/octet-stream").end(bytes);
      });
      await listen(registry, { hostname: "127.0.0.1", port: 0 });
      onTestFinished(() => void registry.close());
      const image = `127.0.0.1:${Object(registry.address()).port}/pulled@sha256:${sha256(manifest)}`;
      const { message } = await refusal(lab.deploy({ artifact: { kind: "image", image } }));
      expect(message).toContain("Docker cannot start the container");
      expect(lab.said).toContainEqual({ msg: "pulling image", fields: { function: "guest", image } });
      await docker("rmi", "--force", `sha256:${sha256(config)}`);
    });

    it("refuses a root that has another name", async () => {
      const args = ["node", "-e", "setInterval(() => {}, 1000)"];
      const { message } = await refusal(lab.deploy({ limits, container: { args, user: "toor" } }));
      expect(message).toMatch(/unable to find user toor/);
    });

    it("has an image loaded once, and its names taken away but the last two", async () => {
      const repository = `nebula-${await lab.nodeId()}/guest`;
      for (const author of ["1", "2", "3"])
        await rejectionOf(lab.prepare(lab.deploy({ artifact: archiveOf({ author }) })));
      expect((await docker("images", "--quiet", repository)).split("\n")).toHaveLength(2);
    });
  });

  describe("an instance", () => {
    const start = (args: readonly string[], source = {}) => lab.start(lab.deploy({ ...source, container: { args } }));

    it("that answers garbage fails each request with NEBULA_RESPONSE_INVALID, and goes on", async () => {
      await using instance = await start(serve("if (q.url === '/ok') r.end('ok'); else q.socket.end('what?')"));
      expect((await rejectionOf(ask(instance))).code).toBe("NEBULA_RESPONSE_INVALID");
      expect(await askText(instance, { path: "/ok" })).toBe("ok");
    });

    it("that dies tells how, and so does the request that it had", async () => {
      await using instance = await start(serve("process.exit(7)"));
      const error = await rejectionOf(ask(instance));
      expect(error).toMatchObject({ code: "NEBULA_GUEST_EXITED", message: expect.stringContaining("exit code 7") });
      expect(await instance.ended).toMatchObject({ code: "NEBULA_GUEST_EXITED", details: { how: "exit code 7" } });
      await until("its container is gone", async () => (await lab.list("{{.ID}}")).length === 0);
    });

    it("that is killed from outside says so at once", async () => {
      await using instance = await start(serve("r.end('ok')"));
      const [id = ""] = await lab.list("{{.ID}}");
      await docker("kill", id);
      expect(await instance.ended).toMatchObject({ code: "NEBULA_GUEST_EXITED", details: { how: "signal SIGKILL" } });
      expect((await rejectionOf(ask(instance))).code).toBe("NEBULA_GUEST_EXITED");
    });

    it("that floods its log answers on, and costs the host little", async () => {
      const server = `node -e "require('http').createServer((q, r) => r.end('ok')).listen(8080)"`;
      const before = process.cpuUsage();
      lab.printed.length = 0;
      await using instance = await lab.start(lab.script(`cat /dev/zero & ${server}`));
      await until("the log says so", () => lab.printed.some(({ text }) => text.includes("waits for the rest")));
      expect(await askText(instance)).toBe("ok");
      const { user, system } = process.cpuUsage(before);
      expect((user + system) / 1000).toBeLessThan(1_500);
      expect(lab.printed.reduce((all, { text }) => all + text.length, 0)).toBeLessThan(300_000);
    });
  });
});

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
