import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { runShell, runTool, type ShellOptions } from "../../../src/build/exec.ts";
import { childProcesses, createManualClock, groupProcesses, tempFolder } from "./support.ts";

const run = (command: string, options: Partial<ShellOptions> = {}) =>
  runShell(command, { cwd: "/", env: process.env, signal: new AbortController().signal, ...options });

test("runShell() gives exit code and both outputs", async () => {
  const seen: string[] = [];
  const result = await run("echo out; echo err >&2; exit 3", { onOutput: (text) => seen.push(text) });
  expect(result).toMatchObject({ outcome: "exited", exitCode: 3, droppedBytes: 0 });
  expect(result.output.split("\n").sort()).toEqual(["", "err", "out"]);
  expect(seen.join("")).toBe(result.output);
});

test("runShell() runs in the folder and with the environment given, and no other", async () => {
  const cwd = await tempFolder();
  expect(await run("pwd; echo $MINE/$HOME", { cwd, env: { MINE: "yes" } })).toMatchObject({ output: `${cwd}\nyes/\n` });
});

test("runShell() keeps the end of a huge output", async () => {
  const result = await run("i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done", { outputBytes: 100 });
  expect(result.output).toHaveLength(100);
  expect(result.output.endsWith("line 19998\nline 19999\n")).toBe(true);
  expect(result.droppedBytes).toBeGreaterThan(100_000);
});

test("runShell() removes terminal control sequences", async () => {
  expect(await run(String.raw`printf '\033[31mred\033[0m'`)).toMatchObject({ output: "red" });
});

test("runShell() ends a command that prints without end at its time limit", async () => {
  const { clock, fire } = createManualClock();
  let bytes = 0;
  const onOutput = (text: string) => {
    bytes += text.length;
    if (bytes > 200_000) fire(300_000);
  };
  const result = await run("yes", { clock, onOutput });
  expect(result).toMatchObject({ outcome: "timed-out", exitSignal: "SIGTERM" });
  expect(result.output).toHaveLength(64 * 1024);
  expect(result.droppedBytes).toBeGreaterThan(100_000);
});

test("runShell() kills what ignores SIGTERM after the grace time", async () => {
  const { clock, fire } = createManualClock();
  const onOutput = () => {
    fire(5);
    fire(7);
  };
  const command = "trap '' TERM; echo ready; while :; do sleep 0.05; done";
  const result = await run(command, { clock, timeoutMs: 5, graceMs: 7, onOutput });
  expect(result).toMatchObject({ outcome: "timed-out", exitSignal: "SIGKILL", output: "ready\n" });
});

test("runShell() tells a process that a signal ended", async () => {
  expect(await run("kill -SEGV $$")).toMatchObject({ outcome: "killed", exitSignal: "SIGSEGV" });
});

test.each([
  ["success", "sleep 100 & echo $$; exit 0"],
  ["a time limit", "sleep 100 & echo $$; wait"],
])("runShell() leaves nothing of the group after %s", async (_name, command) => {
  const { clock, fire } = createManualClock();
  const { output } = await run(command, { clock, timeoutMs: 5, onOutput: () => command.endsWith("wait") && fire(5) });
  await vi.waitFor(async () => expect(await groupProcesses(Number(output))).toEqual([]));
  expect(await childProcesses()).toEqual([]);
});

test("runShell() does not wait for a process outside the group that holds its output open", async () => {
  const cwd = await tempFolder();
  const { clock, fire } = createManualClock();
  const command = "setsid sh -c 'echo $$ > pid; exec sleep 100' & while [ ! -s pid ]; do :; done";
  let isDone = false;
  const running = run(command, { cwd, clock }).finally(() => {
    isDone = true;
  });
  await vi.waitFor(() => {
    fire(500);
    expect(isDone).toBe(true);
  });
  process.kill(Number(await readFile(join(cwd, "pid"), "utf8")));
  expect(await running).toMatchObject({ outcome: "exited", exitCode: 0 });
});

test("runShell() rejects with the reason of an abort, after the group has ended", async () => {
  const controller = new AbortController();
  const reason = new Error("enough");
  let output = "";
  const onOutput = (text: string) => {
    output += text;
    controller.abort(reason);
  };
  await expect(run("sleep 100 & echo $$; wait", { signal: controller.signal, onOutput })).rejects.toBe(reason);
  await vi.waitFor(async () => expect(await groupProcesses(Number(output))).toEqual([]));
});

test("runShell() starts nothing when aborted before", async () => {
  await expect(run("echo no", { signal: AbortSignal.abort(new Error("early")) })).rejects.toThrow("early");
  await setImmediate();
  expect(await childProcesses()).toEqual([]);
});

test("runShell() rejects when the folder is missing", async () => {
  await expect(run("true", { cwd: "/nowhere/at/all" })).rejects.toMatchObject({ code: "ENOENT" });
});

const runLimited = (script: string, limits: { memoryBytes?: number; fileBytes?: number }, cwd = "/") =>
  runTool(
    { file: process.execPath, args: ["-e", script, "a b", "$HOME"] },
    { cwd, env: {}, signal: new AbortController().signal, memoryBytes: 1e9, fileBytes: 1e9, ...limits },
  );

test("runTool() hands over arguments as they are", async () => {
  const result = await runLimited("console.log(process.argv.slice(1).join())", {});
  expect(result).toMatchObject({ outcome: "exited", exitCode: 0, output: "a b,$HOME\n" });
});

test("runTool() ends a tool that takes more memory than it may", async () => {
  const script = "const all = []; for (;;) all.push(Buffer.alloc(1e7, 1));";
  const { outcome, exitCode } = await runLimited(script, { memoryBytes: 400e6 });
  expect([outcome, exitCode]).not.toEqual(["exited", 0]);
});

test("runTool() ends a tool that writes a file larger than it may", async () => {
  const cwd = await tempFolder();
  await runLimited(
    'process.on("SIGXFSZ", () => {}); fs.writeFileSync("out", Buffer.alloc(1e6));',
    { fileBytes: 1e5 },
    cwd,
  );
  expect((await readFile(join(cwd, "out"))).byteLength).toBeLessThanOrEqual(100_352);
});
