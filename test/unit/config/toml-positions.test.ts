import { expect, test } from "vitest";
import type { Path } from "../../../src/config/source.ts";
import { parseToml } from "../../../src/config/toml.ts";

interface Case {
  readonly name: string;
  readonly text: string;
  /** Path → `line:column` of the key and of the value. */
  readonly places: readonly (readonly [Path, string, string])[];
}

const CASES: readonly Case[] = [
  {
    name: "a pair",
    text: 'name = "a"',
    places: [[["name"], "1:1", "1:8"]],
  },
  {
    name: "indentation and spaces around the sign",
    text: "\t name\t=\t1",
    places: [[["name"], "1:3", "1:10"]],
  },
  {
    name: "tables, one inside the other",
    text: "[a]\nx = 1\n[a.b]\ny = 2",
    places: [
      [["a"], "1:2", "1:2"],
      [["a", "x"], "2:1", "2:5"],
      [["a", "b"], "3:4", "3:4"],
      [["a", "b", "y"], "4:1", "4:5"],
    ],
  },
  {
    name: "a table that is implied first and written later",
    text: "[env.staging.vars]\nA = 1\n[env.staging]\nname = 'x'",
    places: [
      [["env"], "1:2", "1:2"],
      [["env", "staging"], "3:6", "3:6"],
      [["env", "staging", "vars"], "1:14", "1:14"],
      [["env", "staging", "name"], "4:1", "4:8"],
    ],
  },
  {
    name: "headers with spaces and quotes",
    text: "[ a . \"b.c\" . 'd' ]\nx = 1",
    places: [
      [["a", "b.c"], "1:7", "1:7"],
      [["a", "b.c", "d"], "1:15", "1:15"],
      [["a", "b.c", "d", "x"], "2:1", "2:5"],
    ],
  },
  {
    name: "dotted keys",
    text: "a.b.c = 1\na.b.d = 2\n'x y'.\"z\\u0041\" = 3",
    places: [
      [["a"], "1:1", "1:1"],
      [["a", "b"], "1:3", "1:3"],
      [["a", "b", "c"], "1:5", "1:9"],
      [["a", "b", "d"], "2:5", "2:9"],
      [["x y", "zA"], "3:7", "3:19"],
    ],
  },
  {
    name: "arrays of tables and what is inside their elements",
    text: "[[r]]\np = 1\n[r.s]\nq = 2\n[[r]]\np = 3\n[r.s]\nq = 4\n[[r.t]]\nu = 5\n[[r.t]]\nu = 6",
    places: [
      [["r"], "1:3", "1:3"],
      [["r", 0], "1:1", "1:1"],
      [["r", 0, "s", "q"], "4:1", "4:5"],
      [["r", 1], "5:1", "5:1"],
      [["r", 1, "p"], "6:1", "6:5"],
      [["r", 1, "s", "q"], "8:1", "8:5"],
      [["r", 1, "t", 0, "u"], "10:1", "10:5"],
      [["r", 1, "t", 1, "u"], "12:1", "12:5"],
    ],
  },
  {
    name: "inline tables and arrays",
    text: 'r = [{ p = "a", q.s = true }, [1, [2, 3]], "x"]',
    places: [
      [["r"], "1:1", "1:5"],
      [["r", 0], "1:6", "1:6"],
      [["r", 0, "p"], "1:8", "1:12"],
      [["r", 0, "q"], "1:17", "1:17"],
      [["r", 0, "q", "s"], "1:19", "1:23"],
      [["r", 1, 1, 0], "1:36", "1:36"],
      [["r", 1, 1, 1], "1:39", "1:39"],
      [["r", 2], "1:44", "1:44"],
    ],
  },
  {
    name: "arrays over several lines, with comments and a comma at the end",
    text: "a = [ # ] not the end\n  1, # 2,\n  # 3\n  4,\n] # done\nb = 5",
    places: [
      [["a", 0], "2:3", "2:3"],
      [["a", 1], "4:3", "4:3"],
      [["b"], "6:1", "6:5"],
    ],
  },
  {
    name: "inline tables over several lines",
    text: "a = {\n  b = 1,\n  c = { d = 2 },\n}\ne = 3",
    places: [
      [["a", "b"], "2:3", "2:7"],
      [["a", "c", "d"], "3:9", "3:13"],
      [["e"], "5:1", "5:5"],
    ],
  },
  {
    name: "strings that look like structure",
    text: `a = "[x] = \\"{,}# \\\\"\nb = '[[y]]\\'\nc = 1`,
    places: [
      [["a"], "1:1", "1:5"],
      [["b"], "2:1", "2:5"],
      [["c"], "3:1", "3:5"],
    ],
  },
  {
    name: "strings over several lines",
    text: 'a = """\n[x]\ny = 1 # "" \\"""\n"""\nb = \'\'\'\n[z]\n\'\'\'\nc = 1',
    places: [
      [["a"], "1:1", "1:5"],
      [["b"], "5:1", "5:5"],
      [["c"], "8:1", "8:5"],
    ],
  },
  {
    name: "strings over several lines that end in quotes of their own",
    text: 'a = """x"""""\nb = \'\'\'y\'\'\'\'\'\nc = ["""""""", 2]\nd = 1',
    places: [
      [["b"], "2:1", "2:5"],
      [["c", 1], "3:16", "3:16"],
      [["d"], "4:1", "4:5"],
    ],
  },
  {
    name: "empty strings, tables and arrays",
    text: 'a = ""\nb = \'\'\nc = {}\nd = []\ne = """"""\nf = 1',
    places: [
      [["c"], "3:1", "3:5"],
      [["f"], "6:1", "6:5"],
    ],
  },
  {
    name: "dates with a space, numbers and words",
    text: "a = [1979-05-27 07:32:00Z, +1_000, -inf, 0xff, 1e3, true]\nb = 1979-05-27",
    places: [
      [["a", 0], "1:6", "1:6"],
      [["a", 1], "1:28", "1:28"],
      [["a", 5], "1:53", "1:53"],
      [["b"], "2:1", "2:5"],
    ],
  },
  {
    name: "comments and lines of Windows",
    text: "# a = 1\r\n\r\nb = 2 # c = 3\r\n[d] # [e]\r\nf = 4",
    places: [
      [["b"], "3:1", "3:5"],
      [["d", "f"], "5:1", "5:5"],
    ],
  },
  {
    name: "keys named like prototypes, numbers and dashes",
    text: "[a]\n-1 = { __proto__ = 1 }\n[a.b]\nconstructor = 2\n1 = 3",
    places: [
      [["a", "-1", "__proto__"], "2:8", "2:20"],
      [["a", "b", "constructor"], "4:1", "4:15"],
      [["a", "b", "1"], "5:1", "5:5"],
    ],
  },
];

for (const { name, text, places } of CASES) {
  test(`positionOf() finds keys and values in TOML: ${name}`, () => {
    const { source, problems } = parseToml(text);
    expect(problems).toEqual([]);
    const found = places.map(([path]) => {
      const key = source?.positionOf(path, "key");
      const value = source?.positionOf(path, "value");
      return [path, `${key?.line}:${key?.column}`, `${value?.line}:${value?.column}`];
    });
    expect(found).toEqual(places);
  });
}

test("positionOf() gives the nearest ancestor of what is not there", () => {
  const { source } = parseToml("x = 1\n[a]\nb = { c = 1 }");
  expect(source?.positionOf(["a", "b", "z", "y"], "value")).toEqual({ line: 3, column: 1 });
  expect(source?.positionOf(["nothing"], "key")).toEqual({ line: 1, column: 1 });
  expect(source?.positionOf([], "key")).toEqual({ line: 1, column: 1 });
});

/** A small generator with a seed, so that a failure can be repeated. */
function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Writes random values as TOML and remembers where it wrote them: the other way round than the scanner. */
class Writer {
  text = "";
  readonly places = new Map<string, number>();
  readonly #random: (below: number) => number;

  constructor(seed: number) {
    this.#random = createRandom(seed);
  }

  pair(path: Path, key: string, depth: number): void {
    this.text += this.#pick([key, `"${key}"`, `'${key}'`]) + this.#pick([" = ", "=", "\t=  "]);
    this.value([...path, key], depth);
  }

  value(path: Path, depth: number): void {
    this.places.set(JSON.stringify(path), this.text.length);
    const form = this.#random(depth > 0 ? 8 : 6);
    if (form === 6) this.#list(path, depth);
    else if (form === 7) this.#table(path, depth);
    else {
      this.text += this.#pick([
        "42",
        "true",
        `"a]}[{,#=\\"\\\\"`,
        `'[x] = {"'`,
        `"""\n] } # [y]\n\\""" """`,
        `'''\n[z] = "\n'''`,
        "1979-05-27 07:32:00",
      ]);
    }
  }

  newline(): void {
    this.text += this.#pick(["\n", " # [c] = ]\n", "\n\n  # x = '''\n", "\r\n"]);
  }

  #list(path: Path, depth: number): void {
    this.text += `[${this.#gap()}`;
    for (let index = this.#random(3); index >= 0; index--) {
      this.value([...path, this.#count(path)], depth - 1);
      this.text += this.#gap() + (index > 0 ? `,${this.#gap()}` : "");
    }
    this.text += "]";
  }

  #table(path: Path, depth: number): void {
    this.text += "{ ";
    for (let index = this.#random(3); index >= 0; index--) {
      this.pair(path, `k${index}`, depth - 1);
      this.text += index > 0 ? " , " : " ";
    }
    this.text += "}";
  }

  #counts = new Map<string, number>();
  #count(path: Path): number {
    const key = JSON.stringify(path);
    const count = this.#counts.get(key) ?? 0;
    this.#counts.set(key, count + 1);
    return count;
  }

  #gap(): string {
    return this.#pick(["", " ", "\n", " # ], }\n "]);
  }

  #pick(choices: readonly string[]): string {
    return choices[this.#random(choices.length)] ?? "";
  }
}

test("positionOf() finds every value of 500 random texts where it was written", () => {
  for (let seed = 1; seed <= 500; seed++) {
    const writer = new Writer(seed);
    for (let section = 0; section < 4; section++) {
      const path: Path = section < 2 ? [`t${section}`, "in ner"] : ["list", section - 2];
      writer.text += section < 2 ? `[ t${section}."in ner"]` : "[[ list ]]";
      writer.newline();
      for (let index = 0; index < 3; index++) {
        writer.pair(path, `p${index}`, 3);
        writer.newline();
      }
    }
    const { source, problems } = parseToml(writer.text);
    expect(problems, `seed ${seed}`).toEqual([]);
    for (const [path, offset] of writer.places) {
      const before = writer.text.slice(0, offset).split("\n");
      const expected = { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
      expect(source?.positionOf(JSON.parse(path), "value"), `seed ${seed}, ${path}`).toEqual(expected);
    }
  }
});

test("parseToml() tells where the syntax is wrong and quotes nothing of the file", () => {
  const { source, problems } = parseToml('name = "a"\nkey = "hunter2');
  expect(source).toBeUndefined();
  expect(problems).toHaveLength(1);
  expect(problems[0]?.position.line).toBe(2);
  expect(problems[0]?.message).toMatch(/^not valid TOML: /);
  expect(problems[0]?.message).not.toContain("hunter2");
});

test("parseToml() survives a key of 100 000 parts", () => {
  const { source } = parseToml(`${"a.".repeat(100_000)}a = 1`);
  expect(source?.positionOf(["a", "a"], "key")).toEqual({ line: 1, column: 3 });
});
