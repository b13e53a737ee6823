import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { PassThrough, Writable } from "node:stream";
import { describe, expect, test } from "vitest";
import { runCli } from "../../../src/cli/cli.ts";
import { createIo } from "./support.ts";
import { toTop } from "./top-support.ts";

const TOP = toTop({ hello: [{ perSecond: 7 }], other: [{}], third: [{}] });
const ENTER = "\u001b[?1049h\u001b[?25l";
const LEAVE = "\u001b[?25h\u001b[?1049l";

/** A control port that answers with `TOP`, and a terminal of its own. */
async function openSeat({ columns = 80, rows = 24, env = {} }: { columns?: number; rows?: number; env?: object } = {}) {
  const asked: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.url} ${request.headers.authorization}`);
    response.end(JSON.stringify(TOP));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const shown = { text: "" };
  const isRaw: boolean[] = [];
  const stdout = new Writable({
    write: (chunk, _encoding, done) => {
      shown.text += chunk;
      done();
    },
  });
  const stdin = new PassThrough();
  Object.assign(stdout, { isTTY: true, columns, rows });
  Object.assign(stdin, { isTTY: true, setRawMode: (to: boolean) => void isRaw.push(to) });
  const address = { NEBULA_CONTROL_URL: `http://127.0.0.1:${port}`, NEBULA_TOKEN: "t" };
  const io = { ...createIo({ env: { ...address, ...env }, isTty: true }), stdin, stdout };
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return {
    io,
    shown,
    asked,
    isRaw,
    stdin,
    stdout,
    run: () => runCli(["top"], io),
    /** When the screen has shown this. */
    until: (text: string | RegExp) => expect.poll(() => shown.text, { interval: 5 }).toMatch(text),
    close,
    [Symbol.asyncDispose]: close,
  };
}

describe("nebula top at a terminal", () => {
  test("takes the screen and the keys, and gives both back when q is pressed", async () => {
    await using seat = await openSeat();
    const ended = seat.run();
    await seat.until("q quit");
    expect(seat.asked).toEqual(["/v1/top Bearer t"]);
    expect(seat.shown.text.startsWith(ENTER)).toBe(true);
    expect(seat.isRaw).toEqual([true]);
    seat.stdin.write("q");
    expect(await ended).toBe(0);
    expect(seat.shown.text.endsWith(LEAVE)).toBe(true);
    expect(seat.isRaw).toEqual([true, false]);
    expect(seat.stdin.isPaused()).toBe(true);
    expect(seat.stdout.listenerCount("resize") + seat.stdin.listenerCount("data")).toBe(0);
  });

  test("answers keys at once, and Ctrl-C as q", async () => {
    await using seat = await openSeat({ rows: 7 });
    const ended = seat.run();
    await seat.until("1–2 of 3");
    seat.stdin.write("\u001b[B");
    await seat.until("2–3 of 3");
    seat.stdin.write("s");
    await seat.until("cpu %▾");
    seat.stdin.write("\u0003");
    expect(await ended).toBe(0);
  });

  test("fits the screen anew when that changes", async () => {
    await using seat = await openSeat({ rows: 7 });
    const ended = seat.run();
    await seat.until("1–2 of 3");
    Object.assign(seat.stdout, { rows: 20 });
    seat.stdout.emit("resize");
    await seat.until("1–3 of 3");
    seat.stdin.write("q");
    await ended;
  });

  test.each(["SIGTERM", "SIGHUP", "SIGINT"])("gives the screen back at %s", async (signal) => {
    await using seat = await openSeat();
    const ended = seat.run();
    await seat.until("q quit");
    seat.io.signals.emit(signal);
    expect(await ended).toBe(130);
    expect(seat.shown.text.endsWith(LEAVE)).toBe(true);
    expect(seat.isRaw.at(-1)).toBe(false);
  });

  test("gives the screen back, and tells why, when something of ours breaks", async () => {
    await using seat = await openSeat();
    const ended = seat.run();
    await seat.until("q quit");
    seat.io.signals.emit("uncaughtException", new Error("broken"));
    expect(await ended).toBe(70);
    expect(seat.shown.text.endsWith(LEAVE)).toBe(true);
    expect(seat.io.out.stderr).toContain("NEBULA_INTERNAL");
  });

  test("gives the screen back, and says that the node is gone", async () => {
    await using seat = await openSeat();
    const ended = seat.run();
    await seat.until("q quit");
    await seat.close();
    expect(await ended).toBe(70);
    expect(seat.shown.text.endsWith(LEAVE)).toBe(true);
    expect(seat.io.out.stderr).toMatch(/NEBULA_NODE_UNREACHABLE[\s\S]*nothing listens there/);
  });

  test("leaves the screen alone when no node is there to begin with", async () => {
    await using seat = await openSeat();
    await seat.close();
    expect(await seat.run()).toBe(70);
    expect(seat.shown.text).toBe("");
    expect(seat.io.out.stderr).toContain("NEBULA_NODE_UNREACHABLE");
  });

  test("uses no colours where NO_COLOR says so", async () => {
    await using seat = await openSeat({ env: { NO_COLOR: "1" } });
    const ended = seat.run();
    await seat.until("q quit");
    seat.stdin.write("q");
    await ended;
    expect(seat.shown.text.replaceAll("\u001b", "ESC")).not.toMatch(/ESC\[[0-9;]*m/);
  });
});
