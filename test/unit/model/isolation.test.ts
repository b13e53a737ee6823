import { describe, expect, test } from "vitest";
import type { EngineName } from "../../../src/model/function.ts";
import { findIsolation, mayAnswer } from "../../../src/model/isolation.ts";

describe("mayAnswer()", () => {
  test.each<[EngineName[], EngineName[], EngineName[]]>([
    [["isolate"], [], ["isolate"]],
    [["wasi", "isolate"], [], ["wasi"]],
    [["container", "isolate"], [], ["container"]],
    [["wasi", "isolate"], ["isolate"], ["wasi", "isolate"]],
    [["isolate", "wasi"], [], ["isolate", "wasi"]],
    [["isolate", "container", "wasi"], [], ["isolate", "container", "wasi"]],
    [["wasi", "container"], [], ["wasi", "container"]],
    [["wasi", "isolate", "container"], [], ["wasi", "container"]],
    [["wasi", "isolate", "container"], ["isolate"], ["wasi", "isolate", "container"]],
    [["wasi", "isolate"], ["container"], ["wasi"]],
  ])("of %j, where %j may be weaker, %j answer", (engines, weaker, wanted) => {
    expect(engines.filter((engine) => mayAnswer(engine, { engines, weaker }))).toEqual(wanted);
  });

  test("isolates are for one's own code, the others for anybody's", () => {
    expect([findIsolation("isolate"), findIsolation("wasi"), findIsolation("container")]).toEqual([
      "weaker",
      "strong",
      "strong",
    ]);
  });
});
