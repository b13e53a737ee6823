/**
 * What a container can do, seen from inside.
 */

import { createServer } from "node:http";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import { listen } from "../../src/http/listen.ts";
import { askText, rejectionOf } from "../support/capabilities.ts";
import { type ContainerSource, openContainerLab } from "../support/container-lab.ts";
import { docker, withDocker } from "../support/docker.ts";

const MIB = 1024 * 1024;

await withDocker("what a container may do", async () => {
  const lab = await openContainerLab();
  afterAll(() => lab[Symbol.asyncDispose]());

  /** What a script prints in a container of its own. */
  const inside = async (script: string, source: ContainerSource = {}): Promise<string> => {
    const instance = await lab.start(
      lab.script(script, { ...source, container: { ...source.container, interface: "stdio" } }),
    );
    onTestFinished(() => instance[Symbol.asyncDispose]());
    return (await askText(instance)).trim();
  };
  /** The same with Node, in a container that serves. */
  const served = async (expression: string, source: ContainerSource = {}): Promise<string> => {
    const code = `require("http").createServer(async (_, r) => r.end(String(await (${expression})))).listen(8080)`;
    const instance = await lab.start(lab.deploy({ ...source, container: { args: ["node", "-e", code] } }));
    onTestFinished(() => instance[Symbol.asyncDispose]());
    return await askText(instance);
  };
  const reach = (host: string, port: number) =>
    `new Promise((done) => require("net").connect({ host: ${JSON.stringify(host)}, port: ${port}, timeout: 1500 })
      .on("connect", () => done("reached")).on("error", (e) => done(e.code)).on("timeout", () => done("timeout")))`;

  describe("a container", () => {
    it("has no capability, no way to new privileges, a system call filter, and is not root", async () => {
      const status = await inside("cat /proc/self/status");
      for (const line of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]) {
        expect(status).toMatch(new RegExp(`^${line}:\\t0{16}$`, "m"));
      }
      expect(status).toMatch(/^NoNewPrivs:\t1$/m);
      expect(status).toMatch(/^Seccomp:\t2$/m);
      expect(status).toMatch(/^Uid:\t65532\t65532\t65532\t65532$/m);
      expect(status).toMatch(/^Gid:\t65532\t65532\t65532\t65532$/m);
    });

    it("is the numeric user that its settings name", async () => {
      expect(await inside("id -u; id -g", { container: { user: "1234:5678" } })).toBe("1234\n5678");
    });

    it("may be a user by name that is not root, but not one that is", async () => {
      const args = [
        "node",
        "-e",
        'require("http").createServer((_, r) => r.end(String(process.getuid()))).listen(8080)',
      ];
      const instance = await lab.start(lab.deploy({ container: { args, user: "node" } }));
      onTestFinished(() => instance[Symbol.asyncDispose]());
      expect(await askText(instance)).toBe("1000");
    });

    it("can write nothing but /tmp and /run, for as much as it may have, and run nothing from there", async () => {
      const script = `for dir in / /etc /usr/local /home/node /var; do touch $dir/x 2>/dev/null && echo wrote $dir; done
        cp /usr/bin/true /tmp/x && chmod +x /tmp/x && (/tmp/x 2>&1 || echo not run) | cat
        cat /dev/zero > /run/large 2>/dev/null; ls -s /run/large`;
      const printed = await inside(script, { container: { tmpBytes: 8 * MIB } });
      expect(printed).not.toContain("wrote");
      expect(printed).toContain("not run");
      expect(Number(/(\d+) \/run\/large/.exec(printed)?.[1])).toBeLessThanOrEqual(8 * 1024);
    });

    it("sees no file of the host: no socket of Docker, no disk", async () => {
      const printed = await inside("cat /proc/mounts; ls /var/run/docker.sock /run/docker.sock 2>&1 | cat");
      expect(printed).not.toMatch(/docker\.sock [^\n]*(?:ext4|tmpfs)/);
      expect(printed.match(/No such file/g)).toHaveLength(2);
      const files = printed.split("\n").flatMap((line) => /^\/dev\/\S+ (\S+)/.exec(line)?.[1] ?? []);
      expect(files.sort()).toEqual(["/etc/hostname", "/etc/hosts", "/etc/resolv.conf"]);
    });

    it("reaches neither the host's loopback nor the network nor a name", async () => {
      const host = createServer((_, response) => response.end("host"));
      await listen(host, { hostname: "127.0.0.1", port: 0 });
      onTestFinished(() => void host.close());
      const { port } = Object(host.address());
      expect(await served(reach("127.0.0.1", port))).toBe("ECONNREFUSED");
      expect(await served(reach("1.1.1.1", 53))).toMatch(/ENETUNREACH|timeout/);
      expect(await served(reach("example.com", 80))).toMatch(/^EAI_AGAIN|^ENOTFOUND|^timeout/);
    });

    it("does not reach another container of the same node", async () => {
      const other = await lab.start(
        lab.deploy({
          container: { args: ["node", "-e", 'require("http").createServer((_, r) => r.end("other")).listen(8080)'] },
        }),
      );
      onTestFinished(() => other[Symbol.asyncDispose]());
      const [id = ""] = await lab.list("{{.ID}}");
      const address = await docker(
        "inspect",
        "--format",
        "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}",
        id,
      );
      expect(await askText(other)).toBe("other");
      expect(await served(reach(address, 8080))).not.toBe("reached");
    });

    it("with all of the network has a way out, and still no published port", async () => {
      expect(await served('require("fs").readFileSync("/proc/net/route", "latin1")', { outbound: ["*"] })).toMatch(
        /^\w+\t0{8}\t(?!0{8})/m,
      );
      expect((await lab.list("{{.Ports}}")).filter((ports) => ports.includes("->"))).toEqual([]);
    });

    it("has no more processes, files and memory than it may", async () => {
      expect(await inside("ulimit -n; ulimit -c")).toBe("16384\n0");
      const bomb = inside("while :; do sleep 60 & done", { container: { pids: 32 } });
      const { code, details } = await rejectionOf(bomb);
      expect([code, details.stderr]).toEqual(["NEBULA_EXIT_CODE", expect.stringContaining("fork")]);
    });

    it("gets its variables and its port, and nothing of the host's environment", async () => {
      const env = JSON.parse(await served("JSON.stringify(process.env)", { vars: { A: "a", B: { c: 1 } } }));
      expect(env).toMatchObject({ A: "a", B: '{"c":1}', PORT: "8080" });
      expect(Object.keys(env).sort()).toEqual(["A", "B", "HOME", "HOSTNAME", "PATH", "PORT"]);
    });
  });
});
