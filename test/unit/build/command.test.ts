import { join } from "node:path";
import { expect, test } from "vitest";
import { artifactOf, buildFiles, childProcesses, createManualClock, evaluate, rejectionOf } from "./support.ts";

test("the command runs before the other steps, which read what it made", async () => {
  const command =
    "mkdir -p out/public && echo 'export default { made: 1 }' > out/main.js && echo hi > out/public/a.txt; echo done";
  const output: string[] = [];
  const steps: string[] = [];
  const built = await buildFiles(
    {},
    {
      main: "out/main.js",
      assetsDir: "out/public",
      build: { command },
      run: { onOutput: (text) => output.push(text), onStep: ({ step }) => steps.push(step) },
    },
  );
  expect(await evaluate(built)).toEqual({ made: 1 });
  expect(Object.keys(built.assets?.files ?? {})).toEqual(["/a.txt"]);
  expect(output.join("")).toBe("done\n");
  expect(steps[0]).toBe("command");
  expect(steps.slice(1).sort()).toEqual(["assets", "bundle"]);
  expect(built.steps.map(({ step }) => step)).toEqual(steps);
  expect(built.steps.every(({ ms }) => ms >= 0)).toBe(true);
});

test("with a command only its own sources are inputs", async () => {
  const files = { "index.js": "export default {}", "src/a.ts": "" };
  const built = await buildFiles(files, { build: { command: "true", watchDirs: ["/project/src"] } });
  expect(built.inputs).toEqual(["/project/src"]);
  expect(artifactOf(built).style).toBe("module");
});

test.each([
  ["exit code 3", "echo first; echo cause >&2; exit 3", "exit code 3\nfirst\ncause", undefined],
  [
    "exit code 127",
    "no-such-program-here 2> /dev/null",
    "exit code 127",
    "Exit code 127 means that the command was not found",
  ],
  ["a signal", "kill -9 $$", "ended by SIGKILL", undefined],
  ["the time limit", "echo slow; sleep 100", "still running after 200 ms\nslow", undefined],
])("a command that fails by %s fails the build", async (_name, command, end, hint) => {
  const { clock, fire } = createManualClock();
  const onOutput = (text: string) => text.startsWith("slow") && fire(200);
  const error = await rejectionOf(
    buildFiles({ "index.js": "" }, { build: { command }, run: { commandTimeoutMs: 200, clock, onOutput } }),
  );
  expect(error.code).toBe("NEBULA_BUILD_FAILED");
  expect(error.message).toBe(`Cannot run the build command "${command}": ${end}`);
  expect(error.details).toMatchObject({ step: "command" });
  expect(error.hint).toBe(hint);
  expect(await childProcesses()).toEqual([]);
});

test("a command that prints much and fails shows the last lines", async () => {
  const command = "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done; exit 1";
  const { message, details } = await rejectionOf(buildFiles({}, { build: { command } }));
  expect(message.split("\n")).toHaveLength(21);
  expect(message.endsWith("\nline 19999")).toBe(true);
  expect(details.output).toMatch(/^\([\d.]+ KiB before this\)\n/);
});

test("a command in a folder that is not there fails the build", async () => {
  const cwd = join("/nowhere", "at-all");
  const error = await rejectionOf(buildFiles({}, { build: { command: "make", cwd } }));
  expect(error.message).toBe('Cannot run the build command "make": there is no folder "/nowhere/at-all"');
});
