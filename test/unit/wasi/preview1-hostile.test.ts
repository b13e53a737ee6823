/** Whatever a program passes, preview 1 answers with an error number: no exception of JavaScript comes out of it. */

import { expect, it } from "vitest";
import { PREVIEW1_NAMES } from "../../../src/engine/wasi/preview1/preview1.guest.ts";
import { Driver, OFLAG } from "./preview1-driver.ts";

/** The types of parameters, where they are not all i32. */
const TYPES: Readonly<Record<string, string>> = {
  clock_time_get: "iIi",
  fd_advise: "iIIi",
  fd_allocate: "iII",
  fd_fdstat_set_rights: "iII",
  fd_filestat_set_size: "iI",
  fd_filestat_set_times: "iIIi",
  fd_pread: "iiiIi",
  fd_pwrite: "iiiIi",
  fd_readdir: "iiiIi",
  fd_seek: "iIii",
  path_filestat_set_times: "iiiiIIi",
  path_open: "iiiiiIIii",
};
const NUMBERS = [0, 1, 2, 3, 4, 5, 8, 64, 512, 1000, 65_535, 131_064, 131_072, 0x7fff_ffff, -1, -8, -131_072];
const BIG_NUMBERS = [0n, 1n, 2n, 3n, 100n, 1n << 30n, 1n << 32n, 1n << 53n, (1n << 63n) - 1n, -1n, -(1n << 63n)];
/** What ends a program or waits for good is not for chance. */
const LEFT_OUT = new Set(["proc_exit", "proc_raise", "poll_oneoff"]);

it("any call with any numbers answers a known number", async () => {
  let seed = 20_260_729;
  const pick = <T>(from: readonly T[]): T => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    const picked = from[(seed >> 8) % from.length];
    if (picked === undefined) throw new RangeError("nothing to pick from");
    return picked;
  };
  const names = PREVIEW1_NAMES.filter((name) => !LEFT_OUT.has(name));
  const counts = new Map<string, number>();
  for (let round = 0; round < 40; round += 1) {
    const driver = new Driver({ args: ["a"], env: { B: "c" } });
    driver.file("file", "content");
    driver.path("path_create_directory", "dir");
    driver.mustOpen("file", { oflags: OFLAG.CREAT });
    for (let turn = 0; turn < 250; turn += 1) {
      driver.bytes.set(new TextEncoder().encode(pick(["file", "dir/x", "./dir", "..", "\0"])), pick([0, 1, 64, 512]));
      const name = pick(names);
      const args = [...(TYPES[name] ?? "iiiiiiiii")].map((type) =>
        pick<number | bigint>(type === "I" ? BIG_NUMBERS : NUMBERS),
      );
      const answer = await driver.wait(name, ...args);
      expect(answer, `${name}(${args.join(", ")})`).toMatch(/^(ok|E[A-Z]+)$/);
      counts.set(answer, (counts.get(answer) ?? 0) + 1);
    }
  }
  expect(counts.get("ok")).toBeGreaterThan(500);
  expect(counts.size).toBeGreaterThan(10);
});
