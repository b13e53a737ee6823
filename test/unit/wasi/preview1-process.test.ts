/** Functions of preview 1 that ask about the program itself: arguments, clocks, chance, waiting, the end. */

import { describe, expect, it } from "vitest";
import { createWasiClock } from "../../../src/engine/wasi/clock.guest.ts";
import { openTree } from "../../../src/engine/wasi/files/tree.guest.ts";
import { PREVIEW1_NAMES, ProcExit } from "../../../src/engine/wasi/preview1/preview1.guest.ts";
import { bytesSource } from "../../../src/engine/wasi/streams.guest.ts";
import { Driver, RESULT } from "./preview1-driver.ts";

/** A list of C strings: the count, the bytes, and the strings that the pointers lead to. */
function readList(driver: Driver, name: "args" | "environ") {
  expect(driver.call(`${name}_sizes_get`, 64, 68)).toBe("ok");
  const [count, size] = [driver.u32(64), driver.u32(68)];
  expect(driver.call(`${name}_get`, 100, 512)).toBe("ok");
  const texts = Array.from({ length: count }, (_, index) => {
    const at = driver.u32(100 + index * 4);
    return driver.text(at, driver.bytes.indexOf(0, at) - at);
  });
  return { size, texts };
}

describe("arguments and environment", () => {
  it("come as C strings", () => {
    const driver = new Driver({ args: ["prog", "", "ä b"], env: { A: "1", LONG: "x=y" } });
    expect(readList(driver, "args")).toEqual({ size: 11, texts: ["prog", "", "ä b"] });
    expect(readList(driver, "environ")).toEqual({ size: 13, texts: ["A=1", "LONG=x=y"] });
    expect(readList(new Driver(), "args")).toEqual({ size: 0, texts: [] });
  });

  it("a NUL in a value makes no variable of its own", () => {
    const driver = new Driver({ env: { A: "1\0PATH=evil", B: "2" } });
    expect(readList(driver, "environ").texts).toEqual(["A=1", "B=2"]);
  });

  it("answer EFAULT when they do not fit into memory", () => {
    const driver = new Driver({ args: ["a".repeat(100)] });
    expect(driver.call("args_sizes_get", -1, 68)).toBe("EFAULT");
    expect(driver.call("args_sizes_get", 64, 131_070)).toBe("EFAULT");
    expect(driver.call("args_get", 131_070, 512)).toBe("EFAULT");
    expect(driver.call("args_get", 512, 131_000)).toBe("EFAULT");
  });
});

describe("preopened directories", () => {
  it("are found from descriptor 3 on, in order", () => {
    const directory = openTree({ nowNs: () => 1n });
    const driver = new Driver({ preopens: ["/", "/tmp"].map((path) => ({ path, directory })) });
    expect(driver.call("fd_prestat_get", 4, 64)).toBe("ok");
    expect([driver.bytes[64], driver.u32(68)]).toEqual([0, 4]);
    expect(driver.call("fd_prestat_dir_name", 4, 512, 4)).toBe("ok");
    expect(driver.text(512, 4)).toBe("/tmp");
    expect(driver.call("fd_prestat_dir_name", 4, 512, 3)).toBe("ENAMETOOLONG");
    expect(driver.call("fd_prestat_dir_name", 4, -2, 4)).toBe("EFAULT");
    expect(driver.call("fd_prestat_get", 4, -2)).toBe("EFAULT");
    expect(driver.call("fd_prestat_get", 5, 64)).toBe("EBADF");
  });
});

describe("clocks and chance", () => {
  it("reads four clocks", () => {
    const driver = new Driver();
    const read = (id: number) => [driver.call("clock_time_get", id, 0n, RESULT), driver.u64()];
    expect([read(0), read(1), read(2)]).toEqual([
      ["ok", driver.clock.nowNs()],
      ["ok", driver.clock.monotonicNs()],
      ["ok", 0n],
    ]);
    driver.clock.now += 5n;
    expect([read(2), read(3)]).toEqual([
      ["ok", 5n],
      ["ok", 5n],
    ]);
    expect(driver.call("clock_time_get", 4, 0n, RESULT)).toBe("EINVAL");
    expect(driver.call("clock_time_get", 0, 0n, -4)).toBe("EFAULT");
    expect([driver.call("clock_res_get", 0, RESULT), driver.u64()]).toEqual(["ok", 1000n]);
    expect(driver.call("clock_res_get", 4, RESULT)).toBe("EINVAL");
  });

  it("fills large buffers with chance, in pieces", () => {
    const pieces: number[] = [];
    const driver = new Driver({ random: (bytes) => void pieces.push(bytes.fill(9).length) });
    expect(driver.call("random_get", 512, 100_000)).toBe("ok");
    expect(pieces).toEqual([65_536, 34_464]);
    expect([driver.bytes[512], driver.bytes[100_511], driver.bytes[100_512]]).toEqual([9, 9, 0]);
    expect([driver.call("random_get", 0, 0), driver.call("random_get", 0, -1)]).toEqual(["ok", "EFAULT"]);
  });

  it("the clock of the process goes on, and a sleep ends early when it is aborted", async () => {
    const clock = createWasiClock();
    const [wall, before] = [clock.nowNs(), clock.monotonicNs()];
    await clock.sleep(2_000_000n);
    expect(clock.monotonicNs() - before).toBeGreaterThanOrEqual(2_000_000n);
    expect(Number(wall) / 1e6).toBeCloseTo(Date.now(), -4);
    await clock.sleep(1n << 63n, AbortSignal.abort());
    const abort = new AbortController();
    const sleeping = clock.sleep(1n << 63n, abort.signal);
    abort.abort();
    await sleeping;
  });
});

describe("the end", () => {
  const thrown = (run: () => unknown) => {
    try {
      return run();
    } catch (reason) {
      return reason;
    }
  };

  it("proc_exit throws the code", () => {
    const driver = new Driver();
    expect(thrown(() => driver.call("proc_exit", 33))).toEqual(new ProcExit(33));
    expect(thrown(() => driver.call("proc_exit", -1))).toEqual(new ProcExit(0xffff_ffff));
  });

  it("proc_raise ends the program unless the signal does nothing by default", () => {
    const driver = new Driver();
    const raise = (signal: number) => thrown(() => driver.call("proc_raise", signal));
    expect([0, 16, 18, 31, -1].map(raise)).toEqual(["ok", "ok", "ENOTSUP", "EINVAL", "EINVAL"]);
    expect([raise(6), raise(15)]).toEqual([new ProcExit(134), new ProcExit(143)]);
  });

  it("sched_yield answers", () => {
    expect(new Driver().call("sched_yield")).toBe("ok");
  });
});

describe("poll_oneoff", () => {
  const CLOCK = 0;
  const READ = 1;
  const WRITE = 2;
  type Wanted = { data: bigint } & (
    | { type: typeof CLOCK; ns: bigint; id?: number; isAbsolute?: boolean }
    | { type: number; fd: number }
  );

  function put(driver: Driver, wanted: Wanted[]): [number, number, number, number] {
    const bytes = new Uint8Array(wanted.length * 48);
    const view = new DataView(bytes.buffer);
    for (const [index, one] of wanted.entries()) {
      const at = index * 48;
      view.setBigUint64(at, one.data, true);
      view.setUint8(at + 8, one.type);
      if ("fd" in one) {
        view.setUint32(at + 16, one.fd, true);
        continue;
      }
      view.setUint32(at + 16, one.id ?? 1, true);
      view.setBigUint64(at + 24, one.ns, true);
      view.setUint16(at + 40, one.isAbsolute ? 1 : 0, true);
    }
    return [driver.put(bytes)[0], 80_000, wanted.length, RESULT];
  }

  function events(driver: Driver) {
    return Array.from({ length: driver.u32() }, (_, index) => {
      const at = 80_000 + index * 32;
      const [error, type] = [driver.view.getUint16(at + 8, true), driver.bytes[at + 10]];
      return [driver.u64(at), error, type, driver.u64(at + 16), driver.view.getUint16(at + 24, true)];
    });
  }

  it("answers at once when time is up or a stream is ready", () => {
    const driver = new Driver({ stdin: bytesSource(new Uint8Array(5)) });
    driver.file("file", "123");
    const fd = driver.mustOpen("file");
    const wanted: Wanted[] = [
      { data: 1n, type: CLOCK, ns: 0n },
      { data: 2n, type: CLOCK, ns: 1_000_000n },
      { data: 3n, type: READ, fd: 0 },
      { data: 4n, type: WRITE, fd: 1 },
      { data: 5n, type: READ, fd },
      { data: 6n, type: CLOCK, ns: driver.clock.now - 1n, id: 0, isAbsolute: true },
    ];
    expect(driver.call("poll_oneoff", ...put(driver, wanted))).toBe("ok");
    expect(events(driver)).toEqual([
      [1n, 0, CLOCK, 0n, 0],
      [3n, 0, READ, 5n, 0],
      [4n, 0, WRITE, 65_536n, 0],
      [5n, 0, READ, 3n, 0],
      [6n, 0, CLOCK, 0n, 0],
    ]);
    expect(driver.call("poll_oneoff", ...put(new Driver(), []))).toBe("EINVAL");
  });

  it("answers wrong subscriptions one by one", () => {
    const driver = new Driver();
    const directory = driver.mustOpen(".", { rights: 1n << 27n });
    const wanted: Wanted[] = [
      { data: 1n, type: READ, fd: 9 },
      { data: 2n, type: WRITE, fd: 0 },
      { data: 3n, type: READ, fd: directory },
      { data: 4n, type: 7, fd: 0 },
      { data: 5n, type: CLOCK, ns: 0n, id: 9 },
      { data: 6n, type: READ, fd: 1 },
      { data: 7n, type: READ, fd: 0 },
    ];
    expect(driver.call("poll_oneoff", ...put(driver, wanted))).toBe("ok");
    const answered = events(driver).map(([data, error]) => [data, error]);
    expect(answered).toEqual([
      [1n, 8],
      [2n, 8],
      [3n, 8],
      [4n, 28],
      [5n, 28],
      [6n, 8],
      [7n, 0],
    ]);
    driver.call("fd_fdstat_set_rights", 0, 2n, 0n);
    driver.call("poll_oneoff", ...put(driver, [{ data: 1n, type: READ, fd: 0 }]));
    expect(events(driver)).toEqual([[1n, 76, READ, 0n, 0]]);
  });

  it("says that the input has ended", () => {
    const driver = new Driver();
    expect(driver.call("poll_oneoff", ...put(driver, [{ data: 1n, type: READ, fd: 0 }]))).toBe("ok");
    expect(events(driver)).toEqual([[1n, 0, READ, 0n, 1]]);
  });

  it("sleeps until the first clock", async () => {
    const driver = new Driver();
    const wanted: Wanted[] = [
      { data: 1n, type: CLOCK, ns: 500n },
      { data: 2n, type: CLOCK, ns: driver.clock.now + 300n, id: 0, isAbsolute: true },
      { data: 3n, type: CLOCK, ns: driver.clock.monotonicNs() + 300n, isAbsolute: true },
    ];
    expect(driver.call("poll_oneoff", ...put(driver, wanted))).toBe("waits");
    expect(await driver.wait("poll_oneoff", ...put(driver, wanted))).toBe("ok");
    expect(driver.clock.slept[0]).toBe(300n);
    expect(events(driver).map(([data]) => data)).toEqual([2n, 3n]);
  });

  it("wakes up for input before the clock, whose sleep it ends", async () => {
    const gate = Promise.withResolvers<Uint8Array>();
    let wasAborted = false;
    const clock = {
      ...new Driver().clock,
      sleep: (_ns: bigint, signal?: AbortSignal) =>
        new Promise<void>((resolve) => {
          signal?.addEventListener("abort", () => {
            wasAborted = true;
            resolve();
          });
        }),
    };
    const driver = new Driver({ stdin: { read: () => gate.promise }, clock });
    const wanted: Wanted[] = [
      { data: 1n, type: CLOCK, ns: 1_000_000n },
      { data: 2n, type: READ, fd: 0 },
    ];
    const done = driver.wait("poll_oneoff", ...put(driver, wanted));
    gate.resolve(new Uint8Array(3));
    expect([await done, events(driver), wasAborted]).toEqual(["ok", [[2n, 0, READ, 3n, 0]], true]);
    expect(driver.call("fd_read", 0, ...driver.vectors(driver.put("...")), RESULT)).toBe("ok");
    expect(driver.u32()).toBe(3);
  });

  it("without a timeout lets input come in between", async () => {
    const driver = new Driver({
      stdin: { read: () => new Promise((resolve) => setImmediate(() => resolve(new Uint8Array(1)))) },
    });
    const wanted: Wanted[] = [
      { data: 1n, type: CLOCK, ns: 0n },
      { data: 2n, type: READ, fd: 0 },
    ];
    for (let round = 0; round < 10 && events(driver).length < 2; round += 1) {
      await driver.wait("poll_oneoff", ...put(driver, wanted));
    }
    expect(events(driver).map(([data]) => data)).toEqual([1n, 2n]);
  });

  it("answers EFAULT and EINVAL before it waits", () => {
    const driver = new Driver();
    expect(driver.call("poll_oneoff", 131_060, 512, 1, RESULT)).toBe("EFAULT");
    expect(driver.call("poll_oneoff", 512, 131_060, 1, RESULT)).toBe("EFAULT");
    expect(driver.call("poll_oneoff", 512, 1024, 1, -1)).toBe("EFAULT");
    expect(driver.call("poll_oneoff", 0, 0, 4097, RESULT)).toBe("EINVAL");
  });
});

describe("the first edition, wasi_unstable", () => {
  const edition = "wasi_unstable";

  it("counts whence otherwise", () => {
    const driver = new Driver({ edition });
    driver.file("file", "0123456789");
    const fd = driver.mustOpen("file");
    const seek = (offset: bigint, whence: number) => [driver.call("fd_seek", fd, offset, whence, RESULT), driver.u64()];
    expect([seek(4n, 2), seek(1n, 0), seek(-1n, 1)]).toEqual([
      ["ok", 4n],
      ["ok", 5n],
      ["ok", 9n],
    ]);
  });

  it("has a shorter filestat", () => {
    const driver = new Driver({ edition });
    driver.file("file", "0123456789");
    driver.bytes.fill(0xee, 512, 600);
    expect(driver.call("path_filestat_get", 3, 0, ...driver.put("file"), 512)).toBe("ok");
    expect([driver.bytes[528], driver.u32(532), driver.u64(536), driver.u64(552)]).toEqual([
      4,
      1,
      10n,
      driver.clock.now,
    ]);
    expect(driver.bytes[512 + 56]).toBe(0xee);
  });

  it("has longer subscriptions", async () => {
    const driver = new Driver({ edition });
    const view = new DataView(new ArrayBuffer(112));
    view.setBigUint64(0, 1n, true);
    view.setUint32(24, 1, true);
    view.setBigUint64(32, 700n, true);
    view.setBigUint64(56, 2n, true);
    view.setUint32(80, 1, true);
    view.setBigUint64(88, 900n, true);
    const [list] = driver.put(new Uint8Array(view.buffer));
    expect(await driver.wait("poll_oneoff", list, 80_000, 2, RESULT)).toBe("ok");
    expect([driver.u32(), driver.u64(80_000), driver.clock.slept]).toEqual([1, 1n, [700n]]);
  });
});

describe("imports", () => {
  it("has all functions of the specification", () => {
    expect([...PREVIEW1_NAMES].sort()).toEqual(
      [
        ..."args_get args_sizes_get clock_res_get clock_time_get environ_get environ_sizes_get".split(" "),
        ..."fd_advise fd_allocate fd_close fd_datasync fd_fdstat_get fd_fdstat_set_flags".split(" "),
        ..."fd_fdstat_set_rights fd_filestat_get fd_filestat_set_size fd_filestat_set_times".split(" "),
        ..."fd_pread fd_prestat_dir_name fd_prestat_get fd_pwrite fd_read fd_readdir fd_renumber".split(" "),
        ..."fd_seek fd_sync fd_tell fd_write path_create_directory path_filestat_get".split(" "),
        ..."path_filestat_set_times path_link path_open path_readlink path_remove_directory".split(" "),
        ..."path_rename path_symlink path_unlink_file poll_oneoff proc_exit proc_raise random_get".split(" "),
        ..."sched_yield sock_accept sock_recv sock_send sock_shutdown".split(" "),
      ].sort(),
    );
  });

  it("makes what is asked for and leaves out what there is not", () => {
    const { host } = new Driver();
    const made = host.imports(["fd_write", "fd_close", "no_such_thing", "constructor"]);
    expect(Object.keys(made)).toEqual(["fd_write", "fd_close"]);
    expect(made.fd_write).toBeInstanceOf(WebAssembly.Suspending);
    expect(host.imports(["fd_write"], undefined, { maySuspend: false }).fd_write).toBeTypeOf("function");
  });
});
