/**
 * What the contract cannot ask of containers in its own words, and programs that are run for each request.
 */

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import { createImageBuilder } from "../../src/engine/container/image-builder.ts";
import { systemClock } from "../../src/model/ports.ts";
import { ask, askText, bytesOf, createFeed, rejectionOf, until } from "../support/capabilities.ts";
import { type ContainerSource, openContainerLab } from "../support/container-lab.ts";
import { docker, withDocker } from "../support/docker.ts";
import { answering } from "../support/guest-source.ts";

const MIB = 1024 * 1024;
const { signal } = new AbortController();

await withDocker("containers that serve", async () => {
  const lab = await openContainerLab();
  afterAll(() => lab[Symbol.asyncDispose]());

  const program = async (script: string, source: ContainerSource = {}) => {
    const instance = await lab.start(
      lab.script(script, { ...source, container: { ...source.container, interface: "stdio" } }),
    );
    onTestFinished(() => instance[Symbol.asyncDispose]());
    return instance;
  };

  describe("a server", () => {
    it("that nobody reads from stops making its body", async () => {
      const instance = await lab.start(
        await lab.build(
          answering(`(request) => {
            const state = (globalThis.state ??= { made: 0 });
            if (request.url.endsWith("/state")) return Response.json(state);
            return new Response(new ReadableStream({
              pull(controller) { state.made += 65536; controller.enqueue(new Uint8Array(65536)); },
            }));
          }`),
        ),
      );
      onTestFinished(() => instance[Symbol.asyncDispose]());
      const { body } = await ask(instance);
      const made = async () => Object(JSON.parse(await askText(instance, { path: "/state" }))).made;
      let before = -1;
      await until("it has paused", async () => {
        const now = await made();
        const isPaused = now === before;
        before = now;
        return isPaused;
      });
      expect(before).toBeLessThan(32 * MIB);
      if (body instanceof ReadableStream) await body.cancel();
    });

    it("that changes the protocol has bytes both ways, until one side ends", async () => {
      const echo = `require("node:http").createServer().on("upgrade", (_request, socket) => {
        socket.write("HTTP/1.1 101 Switching Protocols\\r\\nconnection: Upgrade\\r\\nupgrade: websocket\\r\\n\\r\\n");
        socket.pipe(socket);
      }).listen(8080)`;
      await using prepared = await lab.prepare(lab.deploy({ container: { port: 8080, args: ["node", "-e", echo] } }));
      await using instance = await prepared.start({ signal });
      const head = { method: "GET", url: "http://localhost/", headers: ["host", "localhost"] };
      const { tunnel, ...answer } = await instance.fetch(
        { head, body: null, signal, upgrade: "websocket" },
        { requestId: "r", onLog: () => {} },
      );
      expect(answer.head.status).toBe(101);
      const writer = tunnel?.writable.getWriter();
      const reader = tunnel?.readable.getReader();
      for (const text of ["one", "two"]) {
        await writer?.write(Buffer.from(text));
        expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe(text);
      }
      await writer?.close();
      expect((await reader?.read())?.done).toBe(true);
      await answer.settled;
    });

    it("sees a request body that fails on its way as a failure", async () => {
      const instance = await lab.start(
        await lab.build(
          answering(`async (request) => {
            const state = (globalThis.state ??= {});
            if (request.url.endsWith("/state")) return Response.json(state);
            state.begun = true;
            try { await request.text(); } catch (error) { state.failed = error.name; }
            return new Response();
          }`),
        ),
      );
      onTestFinished(() => instance[Symbol.asyncDispose]());
      const state = async () => JSON.parse(await askText(instance, { path: "/state" }));
      const feed = createFeed();
      const answer = rejectionOf(ask(instance, { method: "POST", body: feed.stream }));
      feed.push("half");
      await until("it has begun", async () => (await state()).begun === true);
      feed.fail(new Error("the client's socket broke"));
      expect((await answer).code).toBe("NEBULA_CLIENT_GONE");
      await until("it knows", async () => (await state()).failed === "AbortError");
    });

    it("that hangs is killed, and the requests that it still had fail", async () => {
      const loop =
        "require('http').createServer((q, r) => { if (q.url === '/loop') for (;;); r.end('ok') }).listen(8080)";
      const source = { container: { args: ["node", "-e", loop] }, limits: { wallMs: 300 } };
      const instance = await lab.start(lab.deploy(source));
      onTestFinished(() => instance[Symbol.asyncDispose]());
      expect((await rejectionOf(ask(instance, { path: "/loop" }))).code).toBe("NEBULA_WALL_LIMIT");
      expect((await instance.ended)?.code).toBe("NEBULA_WALL_LIMIT");
      await until("its container is gone", async () => (await lab.list("{{.ID}}")).length === 0);
    });
  });

  describe("a plain program", () => {
    it("gets body, arguments and variables, and its output is the answer", async () => {
      const instance = await program('cat; echo "|$n|$A|$REQUEST_METHOD|$PATH_INFO|$QUERY_STRING|$*"', {
        vars: { A: "a" },
      });
      const { head, body } = await ask(instance, { method: "POST", path: "/p%20q?n=5&A=b&x", body: "in" });
      expect((await bytesOf(body)).toString()).toBe("in|5|a|POST|/p q|n=5&A=b&x|n=5 A=b x=\n");
      expect(head).toEqual({
        status: 200,
        headers: ["content-type", "text/plain; charset=utf-8", "x-content-type-options", "nosniff"],
      });
    });

    it("gets no variable from a caller that loaders and runtimes listen to", async () => {
      const instance = await program("env");
      const printed = await askText(instance, {
        path: "/?LD_PRELOAD=x&NODE_OPTIONS=x&PATH=x&http_proxy=x&all_proxy=x&_x=1&word=1",
      });
      expect(printed.split("\n").map((line) => line.split("=")[0])).toEqual(expect.arrayContaining(["_x", "word"]));
      expect(printed).not.toMatch(/^(?:LD_PRELOAD|NODE_OPTIONS|http_proxy|all_proxy)=/m);
      expect(printed).not.toMatch(/^PATH=x$/m);
    });

    it("takes ?input= where there is no body, and a body that streams", async () => {
      const instance = await program("cat");
      expect(await askText(instance, { path: "/?input=given" })).toBe("given");
      const feed = createFeed();
      const answer = askText(instance, { method: "POST", body: feed.stream });
      feed.push("one ");
      feed.push("two");
      feed.end();
      expect(await answer).toBe("one two");
    });

    it("has large bodies pass through, and what it writes before it waits goes out", async () => {
      const large = Buffer.alloc(3 * MIB + 5, "0123456789");
      const echo = await program("cat");
      const { body } = await ask(echo, { method: "POST", body: large });
      expect((await bytesOf(body)).equals(large)).toBe(true);
      const slow = await program("echo first; cat >/dev/null; echo last");
      const feed = createFeed();
      const { body: slowBody, settled } = await ask(slow, { method: "POST", body: feed.stream });
      if (!(slowBody instanceof ReadableStream)) throw new Error("the body is not a stream");
      const reader = slowBody.getReader();
      expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe("first\n");
      feed.end();
      expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe("last\n");
      expect((await reader.read()).done).toBe(true);
      await settled;
    });

    it("that ends with another exit code fails, with what it wrote to standard error", async () => {
      const instance = await program("echo half; echo wrong >&2; exit 3");
      const lines: string[] = [];
      const error = await rejectionOf(ask(instance, { onLog: (level, text) => lines.push(`${level} ${text}`) }));
      expect(error).toMatchObject({
        code: "NEBULA_EXIT_CODE",
        message: 'Cannot answer with "guest": its program ended with exit code 3',
        details: { function: "guest", exitCode: 3, stderr: "wrong" },
      });
      expect(lines).toEqual(["error wrong"]);
    });

    it("is held to time, memory and size, and leaves no container", async () => {
      const code = async (script: string, limits: ContainerSource["limits"] = {}) =>
        (await rejectionOf(program(script, { limits }).then(askText))).code;
      expect(await code("sleep 60", { wallMs: 1_000 })).toBe("NEBULA_WALL_LIMIT");
      expect(await code("a=x; while :; do a=$a$a; done", { memoryBytes: 16 * MIB })).toBe("NEBULA_MEMORY_LIMIT");
      expect(await code("cat /dev/zero", { responseBodyBytes: MIB })).toBe("NEBULA_RESPONSE_TOO_LARGE");
      await until("nothing is left", async () => (await lab.list("{{.ID}}")).length === 0);
    });

    it("ends when its client leaves, or its instance is disposed", async () => {
      const instance = await program("echo; sleep 60", { limits: { wallMs: 60_000 } });
      const client = new AbortController();
      const { body } = await ask(instance, { signal: client.signal });
      client.abort();
      expect((await rejectionOf(bytesOf(body))).code).toBe("NEBULA_CLIENT_GONE");
      const { body: other, settled } = await ask(instance);
      await instance[Symbol.asyncDispose]();
      expect((await rejectionOf(bytesOf(other))).code).toBe("NEBULA_GUEST_EXITED");
      await settled;
      await until("nothing is left", async () => (await lab.list("{{.ID}}")).length === 0);
      expect((await rejectionOf(ask(instance))).code).toBe("NEBULA_GUEST_EXITED");
    });

    it("runs in as many containers at once as there may be instances", async () => {
      const instance = await program("sleep 0.2; echo done", { scaling: { maxInstances: 2 } });
      const answers = Array.from({ length: 5 }, () => askText(instance));
      let [most, isDone] = [0, false];
      const done = Promise.all(answers).finally(() => {
        isDone = true;
      });
      // One that has ended is removed a moment before the next is made, or a moment after.
      while (!isDone)
        most = Math.max(most, (await lab.list("{{.State}}")).filter((state) => state === "running").length);
      expect(await done).toEqual(Array.from({ length: 5 }, () => "done\n"));
      expect(most).toBeLessThanOrEqual(2);
    });
  });

  describe("a Dockerfile", () => {
    it("becomes an image that a node loads, with what .dockerignore leaves, and the one before goes", async () => {
      const dir = await mkdtemp(join(tmpdir(), "nebula-dockerfile-"));
      await using builder = createImageBuilder({ clock: systemClock });
      onTestFinished(() => rm(dir, { recursive: true, force: true }));
      const write = async (name: string, text: string) => {
        await mkdir(join(dir, name, ".."), { recursive: true });
        await writeFile(join(dir, name), text);
      };
      await write("Dockerfile", 'FROM node:26-slim\nCOPY . /app\nCMD ["ls", "/app", "/app/deep"]\n');
      await write(".dockerignore", "*.log\ndeep/*\n!deep/kept*\nDockerfile\n");
      for (const name of ["a.txt", "b.log", "deep/kept.txt", "deep/lost.txt", `deep/kept-${"x".repeat(120)}`]) {
        await write(name, name);
      }
      const options = { dir, dockerfile: join(dir, "Dockerfile"), labels: { "nebula.function": "f" }, signal };
      const first = await builder.build(options);
      expect(first.platform).toBe("linux/amd64");
      const again = await builder.build(options);
      expect(again).toEqual(first);
      await write("a.txt", "changed");
      const second = await builder.build(options);
      expect(second.image).not.toBe(first.image);
      expect(await docker("images", "--quiet", "--no-trunc", "--filter", "dangling=true")).not.toContain(first.image);

      const archive = Buffer.from(await new Response(await builder.save(second.image, { signal })).arrayBuffer());
      await docker("rmi", "--force", second.image);
      const digest = `sha256:${"1".repeat(64)}` as const;
      lab.blobs.set(digest, archive);
      const artifact = { kind: "image", image: second.image, archive: { digest, bytes: archive.byteLength } } as const;
      const deployment = lab.deploy({ artifact, container: { interface: "stdio" } });
      const prepared = await lab.prepare(deployment);
      const instance = await prepared.start({ signal });
      const printed = await askText(instance);
      expect(printed.split("\n")).toEqual([
        ..."/app:|a.txt|deep||/app/deep:".split("|"),
        `kept-${"x".repeat(120)}`,
        "kept.txt",
        "",
      ]);
      await docker("rmi", "--force", second.image);
      expect(await askText(instance), "after somebody has removed the image").toBe(printed);
      await prepared[Symbol.asyncDispose]();
      // An image of some hundred megabytes is built three times, saved and loaded.
    }, 60_000);

    it("that is broken fails with the end of what Docker printed", async () => {
      const dir = await mkdtemp(join(tmpdir(), "nebula-dockerfile-"));
      await using builder = createImageBuilder({ clock: systemClock });
      onTestFinished(() => rm(dir, { recursive: true, force: true }));
      const build = async (text: string) => {
        await writeFile(join(dir, "Dockerfile"), text);
        return await rejectionOf(builder.build({ dir, dockerfile: join(dir, "Dockerfile"), labels: {}, signal }));
      };
      const failed = await build("FROM node:26-slim\nRUN echo before && echo wrong >&2 && exit 9\n");
      expect(failed).toMatchObject({
        code: "NEBULA_BUILD_FAILED",
        message: expect.stringContaining("returned a non-zero code: 9"),
      });
      expect(failed.message).toMatch(/before.*wrong/s);
      expect((await build("FORM scratch\n")).message).toMatch(
        /Docker cannot build the image: .*unknown instruction: FORM/is,
      );
      const cancelled = builder.build({
        dir,
        dockerfile: join(dir, "Dockerfile"),
        labels: {},
        signal: AbortSignal.abort(),
      });
      await expect(cancelled).rejects.toHaveProperty("name", "AbortError");
    });
  });
});
