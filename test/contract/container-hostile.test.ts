/**
 * Images that lie, clients that leave, and a Docker that goes at the worst moment.
 */

import { execFile, execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import { ask, bytesOf, rejectionOf, until } from "../support/capabilities.ts";
import { openContainerLab } from "../support/container-lab.ts";
import { docker, withDocker } from "../support/docker.ts";

await withDocker("hostile containers", async () => {
  const lab = await openContainerLab();
  afterAll(() => lab[Symbol.asyncDispose]());

  describe("a user by name", () => {
    const imageOf = async (user: string) => {
      const lines = [
        `FROM ${lab.image.image}`,
        "RUN echo '0app:x:0:0::/:/bin/sh' >> /etc/passwd && echo 'twice:x:1001:1001::/:' >> /etc/passwd",
        "RUN echo 'twice:x:0:0::/:' >> /etc/passwd && echo 'odd:x:one:1::/:' >> /etc/passwd",
        `USER ${user}`,
      ];
      const image = await build(lines.join("\n"));
      onTestFinished(async () => void (await docker("rmi", "--force", image)));
      return { kind: "image", image } as const;
    };

    it.each(["http", "stdio"] as const)("is never root, whatever it looks like: %s", async (kind) => {
      const artifact = await imageOf("0app");
      const script = kind === "http" ? "sleep 5" : "id -u";
      const prepared = lab.prepare(lab.script(script, { artifact, container: { interface: kind } }));
      expect((await rejectionOf(prepared)).message).toContain('the user "0app" of its image is root');
      expect(await lab.list("{{.ID}}")).toEqual([]);
    });

    it.each(["twice", "odd"])("that a list of users may be read for as root is refused: %s", async (user) => {
      const artifact = await imageOf(user);
      const prepared = lab.prepare(lab.script("id -u", { artifact, container: { interface: "stdio" } }));
      expect((await rejectionOf(prepared)).message).toContain(`the user "${user}" of its image is root`);
    });

    it("that is somebody else runs programs", async () => {
      const artifact = await imageOf("node");
      const instance = await lab.start(lab.script("id -u", { artifact, container: { interface: "stdio" } }));
      onTestFinished(() => instance[Symbol.asyncDispose]());
      const { body } = await ask(instance);
      expect((await bytesOf(body)).toString()).toBe("1000\n");
    });
  });

  it("what an image wants to keep is memory, however it writes that", async () => {
    const image = await build(`FROM ${lab.image.image}\nVOLUME ["/kept/", "/data/../also"]`);
    onTestFinished(async () => void (await docker("rmi", "--force", image)));
    const script = "while read -r mount; do echo $mount; done < /proc/mounts";
    const source = { artifact: { kind: "image", image }, container: { interface: "stdio" } } as const;
    const instance = await lab.start(lab.script(script, source));
    onTestFinished(() => instance[Symbol.asyncDispose]());
    const { body } = await ask(instance);
    const mounts = (await bytesOf(body)).toString();
    expect(mounts).toMatch(/^tmpfs \/kept tmpfs .*noexec/m);
    expect(mounts).toMatch(/^tmpfs \/also tmpfs .*noexec/m);
  });

  it("a container that was removed a moment ago is not thawed for a request", async () => {
    const args = ["node", "-e", 'require("http").createServer((_, r) => r.end("up")).listen(8080)'];
    const prepared = await lab.prepare(lab.deploy({ container: { args } }));
    onTestFinished(() => prepared[Symbol.asyncDispose]());
    expect(prepared.resting).toEqual({ frozen: 1, stopped: 0 });
    const [id = ""] = await lab.list("{{.ID}}");
    // At once: nobody has time to hear of it.
    execFileSync("docker", ["rm", "--force", id]);
    await using instance = await prepared.start(new AbortController());
    expect(instance.started?.kind).toBe("cold");
    expect((await ask(instance)).head.status).toBe(200);
  });

  it("clients that leave have no more containers than those that stay", async () => {
    const scaling = { maxInstances: 1 };
    const instance = await lab.start(lab.script("sleep 5", { scaling, container: { interface: "stdio" } }));
    onTestFinished(() => instance[Symbol.asyncDispose]());
    let most = 0;
    const left = Array.from({ length: 8 }, async () => {
      const client = new AbortController();
      const answer = rejectionOf(ask(instance, { signal: client.signal }));
      most = Math.max(most, (await lab.list("{{.ID}}")).length);
      client.abort();
      expect((await answer).code).toBe("NEBULA_CLIENT_GONE");
    });
    await Promise.all(left);
    await until("nothing is left", async () => {
      const { length } = await lab.list("{{.ID}}");
      most = Math.max(most, length);
      return length === 0;
    });
    expect(most).toBeLessThanOrEqual(1);
  });

  it("a program that Docker was lost over may have run, and one that Docker refused has not", async () => {
    await using way = await openWayToDocker();
    // Gone before its way is.
    await using far = await openContainerLab({ dockerHost: way.host });
    const deployment = far.script("sleep 30", { container: { interface: "stdio" } });
    const instance = await far.start(deployment);
    const answer = rejectionOf(ask(instance, { method: "POST", body: "pay" }));
    await until("it runs", async () => (await far.list("{{.State}}")).includes("running"));
    way.breakOff();
    expect((await answer).code).toBe("NEBULA_GUEST_EXITED");
    const absent = far.deploy({ container: { interface: "stdio", args: ["/nowhere"] } });
    const other = await far.start(absent);
    expect((await rejectionOf(ask(other, { method: "POST", body: "pay" }))).code).toBe("NEBULA_START_FAILED");
  });
});

/** A socket that leads to Docker, until what goes over it is broken off. */
async function openWayToDocker(): Promise<AsyncDisposable & { readonly host: string; breakOff(): void }> {
  const dir = await mkdtemp(join(tmpdir(), "nebula-way-"));
  const path = join(dir, "docker.sock");
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({
      path: (process.env.DOCKER_HOST ?? "unix:///var/run/docker.sock").replace("unix://", ""),
      allowHalfOpen: true,
    });
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(one);
      one.on("error", () => other.destroy());
      one.once("close", () => open.delete(one));
      one.pipe(other);
    }
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const breakOff = () => {
    for (const socket of open) socket.destroy();
  };
  return {
    host: `unix://${path}`,
    breakOff,
    [Symbol.asyncDispose]: async () => {
      breakOff();
      await new Promise((resolve) => server.close(resolve));
      await rm(dir, { recursive: true });
    },
  };
}

/** The id of the image that a Dockerfile without a folder makes. */
async function build(dockerfile: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const child = execFile("docker", ["build", "--quiet", "--force-rm", "-"], (error, stdout) =>
    error === null ? resolve(stdout.trim()) : reject(error),
  );
  child.stdin?.end(dockerfile);
  return await promise;
}
