import { EventEmitter } from "node:events";
import { PassThrough, Writable } from "node:stream";
import { describe, expect, test } from "vitest";
import { readSecret } from "../../../src/cli/read-secret.ts";
import { createFolder, run } from "./support.ts";

/** A terminal that somebody types at. */
class FakeTerminal extends PassThrough {
  readonly isTTY = true;
  readonly modes: boolean[] = [];
  setRawMode(isRaw: boolean): this {
    this.modes.push(isRaw);
    return this;
  }
}

async function type(keys: readonly (string | Buffer)[]) {
  const stdin = new FakeTerminal();
  let shown = "";
  const stderr = new Writable({
    write(chunk, _encoding, done) {
      shown += String(chunk);
      done();
    },
  });
  const { signal } = new AbortController();
  const reading = readSecret({ stdin, stderr }, { prompt: "Value: ", signal });
  for (const each of keys) stdin.write(each);
  const result = await reading.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  return { ...result, shown, modes: stdin.modes };
}

describe("a value that is typed", () => {
  test("ends with Enter and is never shown", async () => {
    expect(await type(["hun", "ter2", "\r"])).toEqual({
      value: "hunter2",
      shown: "Value: \n",
      modes: [true, false],
    });
  });

  test("may be corrected, and arrows are no part of it", async () => {
    expect(await type(["hunters\u007f2x\b\u001b[D\u001bOA\n"])).toMatchObject({ value: "hunter2" });
    expect(await type(["wrong\u0015right\r"])).toMatchObject({ value: "right" });
  });

  test("may be of any letters, however they are cut", async () => {
    const bytes = Buffer.from("schlüssel-\u{1f511}");
    const cut = [...bytes].map((byte) => Buffer.of(byte));
    expect(await type([...cut, "\r"])).toMatchObject({ value: "schlüssel-\u{1f511}" });
  });

  test("is none when whoever types gives up", async () => {
    expect(await type(["hunter2\u0003"])).toMatchObject({ value: undefined, modes: [true, false] });
  });

  test("must be something", async () => {
    expect(await type(["   \r"])).toMatchObject({ error: { code: "NEBULA_USAGE" }, modes: [true, false] });
  });

  test("leaves the terminal as it was when the run is ended", async () => {
    const stdin = new FakeTerminal();
    const controller = new AbortController();
    const stderr = new Writable({ write: (_chunk, _encoding, done) => done() });
    const reading = readSecret({ stdin, stderr }, { prompt: "", signal: controller.signal });
    controller.abort(new Error("ended"));
    await expect(reading).rejects.toThrow("ended");
    expect(stdin.modes).toEqual([true, false]);
    expect(new EventEmitter().listenerCount("data")).toBe(stdin.listenerCount("data"));
  });
});

describe("nebula secret", () => {
  const env = { NEBULA_CONTROL_URL: "http://127.0.0.1:9", NEBULA_TOKEN: "t" };

  test.each([
    [["put", "A", "--name", "shop"], "", /there is none/],
    [["put", "A", "--name", "shop"], "x".repeat(30_000), /more than 5120 bytes/],
    [["put", "hunter2!", "--name", "shop"], "x", /<key> is no identifier/],
    [["put", "A"], "x", /no project in this folder/],
    [["list"], "", /no project in this folder/],
    [["put", "A", "hunter2!"], "x", /one too many/],
  ])("%j with %.5j is a mistake of whoever typed", async (argv, stdin, message) => {
    await using folder = await createFolder();
    const ran = await run(["secret", ...argv], { cwd: folder.dir, env, stdin });
    expect(ran).toMatchObject({ code: 2, stdout: "" });
    expect(ran.stderr).toMatch(message);
    expect(ran.stderr.replace('argument "hunter2!"', "")).not.toContain("hunter2!");
  });

  test("reaches for the node of the state", async () => {
    const ran = await run(["secret", "rotate"], { env });
    expect(ran.code).toBe(70);
    expect(ran.stderr).toContain("NEBULA_NODE_UNREACHABLE");
  });
});
