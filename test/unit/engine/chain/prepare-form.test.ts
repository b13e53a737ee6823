import { describe, expect, test } from "vitest";
import { mayPass } from "../../../../src/engine/chain/prepare-form.ts";
import { toDockerError } from "../../../../src/engine/container/docker-error.ts";
import { toPrepareFailed } from "../../../../src/engine/prepare-failed.ts";
import { NebulaError } from "../../../../src/model/errors.ts";

const docker = (thrown: unknown) => toDockerError(thrown, { verb: "start", socketPath: undefined });

describe("mayPass()", () => {
  test.each<[string, Error, boolean]>([
    ["Docker is not there", docker(Object.assign(new Error("no"), { code: "ENOENT" })), true],
    ["this user may not use it", docker(Object.assign(new Error("no"), { code: "EACCES" })), true],
    ["its connection broke", docker(new Error("socket hang up")), true],
    ["its disk is full", docker(new Error("write /x: no space left on device")), true],
    ["Docker says no to what is asked", docker(Object.assign(new Error("bad"), { statusCode: 400 })), false],
    ["the machine has no processes left", Object.assign(new Error("spawn"), { code: "EAGAIN" }), true],
    ["the node has lost the bytes", new NebulaError("NEBULA_STATE_FAILED", "damaged"), true],
    ["the code does not start", new NebulaError("NEBULA_START_FAILED", "no database"), false],
    [
      "the code does not start, with an error of its own",
      new NebulaError("NEBULA_START_FAILED", "x", { cause: new Error("y") }),
      false,
    ],
    ["the artifact is not for this engine", new NebulaError("NEBULA_PREPARE_FAILED", "no"), false],
  ])("%s", (_what, thrown, wanted) => {
    expect(mayPass(toPrepareFailed(thrown))).toBe(wanted);
  });
});
