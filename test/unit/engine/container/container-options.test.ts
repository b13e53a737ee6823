import { describe, expect, it } from "vitest";
import { toCreateOptions, toUser } from "../../../../src/engine/container/container-options.ts";
import { checkImage, getPort, type ImageFacts, readImageFacts } from "../../../../src/engine/container/image-facts.ts";
import { DEFAULT_CONTAINER } from "../../../../src/model/function.ts";
import { toSpec } from "../../../support/guest-source.ts";

const IMAGE: ImageFacts = readImageFacts({
  Id: "sha256:1",
  Os: "linux",
  Architecture: "amd64",
  Config: { User: "", ExposedPorts: { "8080/tcp": {} }, Cmd: ["serve"] },
});
const MIB = 1024 * 1024;
const machine = { os: "linux", arch: "amd64" };

function optionsOf(image: Partial<ImageFacts> = {}, container = {}, outbound: string[] = []) {
  const spec = {
    ...toSpec({ files: {}, name: "f", limits: { memoryBytes: 64 * MIB } }),
    container: { ...DEFAULT_CONTAINER, ...container },
    outbound,
  };
  return toCreateOptions({
    name: "nebula-n-b-1",
    nodeId: "n",
    spec,
    image: { ...IMAGE, ...image },
    network: "net",
    machineCpus: 2,
    env: { A: "a=b" },
    hasInput: false,
  });
}

describe("toCreateOptions()", () => {
  it("gives a container nothing but what it cannot do without", () => {
    const { HostConfig, Env, User, Labels } = optionsOf();
    expect(HostConfig).toMatchObject({
      NetworkMode: "net",
      CapDrop: ["ALL"],
      SecurityOpt: ["no-new-privileges"],
      Privileged: false,
      ReadonlyRootfs: true,
      IpcMode: "private",
      PidsLimit: 128,
      Memory: 64 * MIB,
      MemorySwap: 64 * MIB,
      NanoCpus: 1e9,
      RestartPolicy: { Name: "no" },
      LogConfig: { Type: "none" },
    });
    for (const none of ["Binds", "Mounts", "Devices", "CapAdd", "PortBindings", "PublishAllPorts"]) {
      expect(HostConfig).not.toHaveProperty(none);
    }
    expect([Env, User, Labels]).toEqual([["A=a=b"], "65532:65532", { "nebula.node": "n", "nebula.function": "f" }]);
  });

  it("lets Docker pass on no question for a name, unless it has all of the network", () => {
    expect(optionsOf().HostConfig?.Dns).toEqual(["127.0.0.1"]);
    expect(optionsOf({}, {}, ["*"]).HostConfig).not.toHaveProperty("Dns");
  });

  it("shares what may be written in memory between /tmp, /run, /dev/shm and the image's volumes", () => {
    const { HostConfig } = optionsOf({ volumes: ["/data", "/var/lib/x"] }, { tmpBytes: 64 * MIB });
    const { Tmpfs = {}, ShmSize = 0 } = HostConfig ?? {};
    expect(Object.keys(Tmpfs)).toEqual(["/tmp", "/run", "/data", "/var/lib/x"]);
    const sizes = Object.values(Tmpfs).map((text) => Number(/size=(\d+)$/.exec(text)?.[1]));
    expect(sizes.reduce((all, each) => all + each, ShmSize)).toBeLessThanOrEqual(64 * MIB);
    expect(sizes[0]).toBe(32 * MIB);
    for (const text of Object.values(Tmpfs)) expect(text).toContain("noexec,nosuid,nodev");
  });

  it("gives no more processors than there are", () => {
    expect(optionsOf({}, { cpus: 64 }).HostConfig?.NanoCpus).toBe(2e9);
    expect(optionsOf({}, { cpus: 0.5 }).HostConfig?.NanoCpus).toBe(5e8);
  });
});

describe("toUser()", () => {
  it.each([
    ["", "65532:65532"],
    ["root", "65532:65532"],
    ["0", "65532:65532"],
    ["00:5", "65532:65532"],
    ["root:users", "65532:65532"],
    [":5", "65532:65532"],
    ["1000", "1000"],
    ["1000:0", "1000:0"],
    ["node", "node"],
    ["rooter", "rooter"],
  ])("an image of user %j runs as %s", (user, expected) => {
    expect(toUser({ user }, {})).toBe(expected);
    expect(toUser({ user: "node" }, { user })).toBe(expected);
  });
});

describe("getPort()", () => {
  const ask = (ports: object, port?: number) =>
    getPort(readImageFacts({ Config: { ExposedPorts: ports } }), {
      name: "f",
      settings: { ...DEFAULT_CONTAINER, ...(port !== undefined && { port }) },
    });

  it("is the one that the image exposes, or what the settings say", () => {
    expect(ask({ "8080/tcp": {}, "53/udp": {} })).toBe(8080);
    expect(ask({ "80/tcp": {}, "443/tcp": {} }, 443)).toBe(443);
    expect(ask({}, 3000)).toBe(3000);
  });

  it("tells when there is none, and when there are several", () => {
    expect(() => ask({})).toThrow('Cannot prepare "f": its image exposes no port');
    expect(() => ask({ "0/tcp": {}, "65536/tcp": {}, "-1/tcp": {}, "80-90/tcp": {} })).toThrow("exposes no port");
    expect(() => ask({ "9090/tcp": {}, "80/tcp": {} })).toThrow("its image exposes the ports 80, 9090");
  });
});

describe("checkImage()", () => {
  const check = (facts: Partial<ImageFacts>) =>
    checkImage({ ...IMAGE, ...facts }, { name: "f", settings: DEFAULT_CONTAINER, machine });

  it("takes an image that can run here", () => {
    expect(() => check({})).not.toThrow();
  });

  it("refuses another architecture, a missing command, and any number of volumes", () => {
    expect(() => check({ arch: "arm64" })).toThrow("its image is for linux/arm64, and this machine is linux/amd64");
    expect(() => check({ args: [] })).toThrow("its image has no command");
    expect(() => check({ volumes: Array.from({ length: 17 }, (_, i) => `/v${i}`) })).toThrow("17 volumes");
  });

  it("knows a volume however it is written: for Docker another writing would be another place, on the host's disk", () => {
    const Volumes = { "/data/": {}, "/data": {}, "//a/./b/../c": {}, "/tmp/.": {}, "/": {} };
    expect(readImageFacts({ Config: { Volumes } }).volumes).toEqual(["/data", "/a/c", "/tmp", "/"]);
  });

  it("reads nothing but nonsense without failing", () => {
    for (const nonsense of [undefined, null, 7, {}, { Config: [] }, { Config: { Cmd: "x", ExposedPorts: 3 } }]) {
      expect(readImageFacts(nonsense)).toMatchObject({ ports: [], volumes: [], args: [] });
    }
  });
});
