import { describe, expect, it } from "vitest";
import { createStackMapper } from "../../../src/engine/guest/stack-mapper.ts";

/** Line 1 of the bundle is line 1 of `src/a.ts`, line 2 is line 5, column 3 of `src/b.ts`. */
const MAP = { version: 3, sources: ["src/a.ts", "src/b.ts"], names: [], mappings: "AAAA;ACIE" };

function createMapper(map: object | undefined = MAP) {
  let reads = 0;
  const mapStack = createStackMapper("index.js", async () => {
    reads += 1;
    return map === undefined ? undefined : Buffer.from(JSON.stringify(map));
  });
  return { mapStack, reads: () => reads };
}

describe("createStackMapper()", () => {
  it("maps every position of the bundle, with and without file://", async () => {
    const { mapStack } = createMapper();
    expect(await mapStack("Error: x\n    at f (index.js:1:1)\n    at file:///index.js:2:1")).toBe(
      "Error: x\n    at f (src/a.ts:1:1)\n    at src/b.ts:5:3",
    );
  });

  it("leaves out frames of the runtime, and of Node at the end of a stack", async () => {
    const { mapStack } = createMapper();
    const stack = [
      "Error: x",
      "    at f (index.js:1:1)",
      "    at sort (node:internal/x:1:2)",
      "    at g (index.js:2:1)",
      "    at run (nebula:guest:12:34)",
      "    at Socket.emit (node:events:514:20)",
      "    at async nebula:guest:1:2",
      "    at node:internal/y:3:4",
    ];
    expect(await mapStack(stack.join("\n"))).toBe(
      "Error: x\n    at f (src/a.ts:1:1)\n    at sort (node:internal/x:1:2)\n    at g (src/b.ts:5:3)",
    );
  });

  it("reads the map once, when it is needed", async () => {
    const { mapStack, reads } = createMapper();
    expect(await mapStack("nothing of it")).toBe("nothing of it");
    expect(reads()).toBe(0);
    await Promise.all([mapStack("index.js:1:1"), mapStack("index.js:2:1")]);
    expect(reads()).toBe(1);
  });

  it("keeps positions that the map does not know, and all of them without a map", async () => {
    expect(await createMapper().mapStack("at index.js:900:1")).toMatch(/^at \S+:\d+:\d+$/);
    expect(await createMapper(undefined).mapStack("at index.js:1:1")).toBe("at src/a.ts:1:1");
    const none = createStackMapper("index.js", async () => undefined);
    expect(await none("at index.js:1:1")).toBe("at index.js:1:1");
  });

  it.each([
    ["cannot be read", () => Promise.reject(new Error("gone"))],
    ["is no JSON", async () => Buffer.from("{")],
    ["is no source map", async () => Buffer.from('{"version":3,"sources":1,"mappings":2}')],
  ])("keeps positions when the map %s", async (_what, readMap) => {
    expect(await createStackMapper("index.js", readMap)("at index.js:1:1")).toBe("at index.js:1:1");
  });

  it.each([
    ["empty lines", `\n    at ${"\n".repeat(1_000_000)}x`],
    ["spaces", `\n${" ".repeat(1_000_000)}x`],
    ["a frame of Node's that names it often", `\n    at ${" node:".repeat(200_000)}\n    at x`],
  ])("takes no longer for %s without end", async (_what, text) => {
    const startedAtMs = performance.now();
    await createMapper().mapStack(text);
    expect(performance.now() - startedAtMs).toBeLessThan(1_000);
  });

  it("takes the bundle's name literally", async () => {
    const mapStack = createStackMapper("a+b(c).js", async () => Buffer.from(JSON.stringify(MAP)));
    expect(await mapStack("at a+b(c).js:1:1, aab(c)xjs:1:1")).toBe("at src/a.ts:1:1, aab(c)xjs:1:1");
  });
});
