import { stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "vitest";
import { createStyle } from "../../../src/cli/style.ts";
import { SORTS } from "../../../src/cli/top/columns.ts";
import { toAge, toCount, toDuration, toMemory, toPercent, toRate } from "../../../src/cli/top/figures.ts";
import { changeView, isQuit } from "../../../src/cli/top/keys.ts";
import { FIRST_VIEW, renderOnce, renderScreen, type View } from "../../../src/cli/top/render.ts";
import { compareLooks } from "../../../src/cli/top/two-looks.ts";
import { toTop } from "./top-support.ts";

const PLAIN = createStyle({ isTty: false, env: {} });
const COLOURS = createStyle({ isTty: true, env: {} });

const TOP = toTop(
  {
    hello: [
      {
        usage: { cpuMs: 1, memoryBytes: 25_270_000, cpuRatio: 0.1187 },
        instances: { busy: 1, idle: 2 },
        starts: { cold: 3, warm: 123_456 },
        perSecond: 345.4,
        phases: { run: { count: 9, p50Ms: 0.42, p99Ms: 12.34 }, start: { count: 3, p50Ms: 7.61, p99Ms: 1_532 } },
      },
    ],
    caption: [
      { engine: "wasi", instances: { idle: 1 }, perSecond: 4.2, starts: { cold: 42 }, errors: { owner: 2 } },
      {
        engine: "container",
        instances: { frozen: 1, waiting: 2 },
        starts: { thaw: 1 },
        usage: { cpuMs: 1, memoryBytes: 3 * 2 ** 30 },
      },
    ],
    site: [{ engine: "assets" }],
  },
  { shared: [{ engine: "wasi", usage: { cpuMs: 5, memoryBytes: 60 * 2 ** 20, cpuRatio: 1.5 } }] },
);

const render = (view: Partial<View>, size: { columns: number; rows: number }, style = PLAIN) =>
  renderScreen(TOP, { ...FIRST_VIEW, ...view }, { size, style });

/** First words of the rows shown. */
const namesOf = (lines: readonly string[]) => lines.slice(4, -1).flatMap((line) => /^\S+/.exec(line) ?? []);

describe("renderScreen()", () => {
  test("shows everything where there is room for it", () => {
    expect(
      render({}, { columns: 190, rows: 11 })
        .map((line) => line.trimEnd())
        .join("\n"),
    ).toMatchInlineSnapshot(`
      "nebula 1.2.3   up 2 h 13 min   memory 183 MiB
      3 functions   350 requests/s   350 over a minute   4 instances   1 at rest   2 waiting

      function            engine     req/s▾  cpu %    memory   busy  idle  starting  frozen  stopped  waiting  cold  thaw  warm  errors  queue p99  start p50  start p99  run p50  run p99
      hello               isolate       345    11.9  24.1 MiB     1     2         0       0        0        0     3     0  123k       0          -    7.61 ms    1.53  s   420 µs  12.3 ms
      caption             wasi         4.20       -         -     0     1         0       0        0        0    42     0     0       2          -          -          -        -        -
      caption             container       0       -  3.00 GiB     0     0         0       1        0        2     0     1     0       0          -          -          -        -        -
      site                assets          0       -         -     0     0         0       0        0        0     0     0     0       0          -          -          -        -        -
      (shared processes)  wasi            -   150.0  60.0 MiB     -     -         -       -        -        -     -     -     -       -          -          -          -        -        -

      1–5 of 5   q quit   s sort by cpu   ↑↓ scroll"
    `);
  });

  test("drops what matters least where it is narrow", () => {
    expect(
      render({}, { columns: 80, rows: 11 })
        .map((line) => line.trimEnd())
        .join("\n"),
    ).toMatchInlineSnapshot(`
      "nebula 1.2.3   up 2 h 13 min   memory 183 MiB
      3 functions   350 requests/s   350 over a minute   4 instances   1 at rest

      function          engine     req/s▾  cpu %    memory   busy  idle  cold  run p99
      hello             isolate       345    11.9  24.1 MiB     1     2     3  12.3 ms
      caption           wasi         4.20       -         -     0     1    42        -
      caption           container       0       -  3.00 GiB     0     0     0        -
      site              assets          0       -         -     0     0     0        -
      (shared process…  wasi            -   150.0  60.0 MiB     -     -     -        -

      1–5 of 5   q quit   s sort by cpu   ↑↓ scroll"
    `);
  });

  test("never has a line too long or too many, however small the screen is", () => {
    for (let columns = 1; columns < 200; columns++) {
      for (const rows of [1, 2, 4, 5, 6, 9, 40]) {
        const lines = render({ sort: "memory" }, { columns, rows }, COLOURS).map(stripVTControlCharacters);
        expect(lines).toHaveLength(rows);
        expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
      }
    }
  });

  test("sorts by what was chosen, and shows that column also where there is little room", () => {
    const orders = SORTS.map((sort) => namesOf(render({ sort }, { columns: 190, rows: 20 })));
    expect(orders).toEqual([
      ["hello", "caption", "caption", "site", "(shared"],
      ["(shared", "hello", "caption", "caption", "site"],
      ["caption", "(shared", "hello", "caption", "site"],
      ["(shared", "caption", "caption", "hello", "site"],
    ]);
    expect(render({ sort: "memory" }, { columns: 30, rows: 9 })[3]).toMatch(/^function .*memory▾/);
  });

  test("shows the rows from where it was scrolled to, and says which they are", () => {
    const lines = render({ sort: "name", offset: 2 }, { columns: 120, rows: 7 });
    expect(namesOf(lines)).toEqual(["caption", "hello"]);
    expect(lines.at(-1)).toBe("3–4 of 5   q quit   s sort by requests/s   ↑↓ scroll");
  });

  test("dims zeros and what is not there, and marks errors and waiting requests", () => {
    const [, , , , , wasi = "", container = ""] = render({}, { columns: 190, rows: 20 }, COLOURS).map((line) =>
      line.replaceAll("\u001b", "ESC"),
    );
    expect(wasi).toMatch(/ESC\[2m +0ESC\[0m/);
    expect(wasi).toMatch(/ESC\[2m +-ESC\[0m/);
    expect(wasi).toMatch(/ESC\[31m +2ESC\[0m/);
    expect(container).toMatch(/ESC\[33m +2ESC\[0m/);
    expect(render({}, { columns: 190, rows: 20 }).join("")).not.toContain("\u001b");
  });

  test("says so when there are no functions", () => {
    const lines = renderScreen(toTop({}), FIRST_VIEW, { size: { columns: 80, rows: 8 }, style: PLAIN });
    expect(lines.at(-1)).toMatch(/^no functions {3}q quit/);
  });
});

describe("renderOnce()", () => {
  test("has every column and every row, and no keys", () => {
    const lines = renderOnce(TOP, PLAIN).split("\n");
    expect(lines).toHaveLength(9);
    expect(lines[3]).toMatch(/^function .* run p99$/);
  });
});

describe("changeView()", () => {
  const at = (offset: number): View => ({ sort: "requests/s", offset });
  const among = { count: 10, visible: 4 };

  test.each([
    ["j", 0, 1],
    ["\u001b[B", 5, 6],
    ["\u001bOB", 6, 6],
    ["k", 2, 1],
    ["\u001b[A", 0, 0],
    [" ", 1, 5],
    ["\u001b[6~", 5, 6],
    ["\u001b[5~", 5, 1],
    ["x", 3, 3],
    ["\u001b[C", 3, 3],
  ])("%j moves from row %i to row %i of ten, four at a time", (key, from, to) => {
    expect(changeView(at(from), key, among)).toEqual(at(to));
  });

  test("s goes from column to column, and back to the first row", () => {
    let view = at(3);
    const sorts = SORTS.map(() => {
      view = changeView(view, "s", among);
      return view.sort;
    });
    expect(sorts).toEqual(["cpu", "memory", "name", "requests/s"]);
    expect(view.offset).toBe(0);
  });

  test("q and Ctrl-C quit", () => {
    expect(["q", "Q", "\u0003", "x", "\u001b"].map(isQuit)).toEqual([true, true, true, false, false]);
  });
});

describe("compareLooks()", () => {
  const look = (atMs: number, cpuMs: number) => {
    const usage = { cpuMs, memoryBytes: 1 };
    return toTop(
      { a: [{ usage }, { engine: "wasi" }] },
      { atMs, shared: [{ engine: "wasi", usage }], node: { version: "1", uptimeMs: 1, ...usage } },
    );
  };

  test("tells how much of a core was used between two looks", () => {
    const { node, functions, shared } = compareLooks(look(3_000, 700), look(1_000, 200));
    expect(node.cpuRatio).toBe(0.25);
    expect(shared[0]?.usage.cpuRatio).toBe(0.25);
    expect(functions[0]?.forms.map(({ usage }) => usage?.cpuRatio)).toEqual([0.25, undefined]);
  });

  test("tells nothing of what was not there before, and never less than nothing", () => {
    expect(compareLooks(look(3_000, 10), look(1_000, 200)).node.cpuRatio).toBe(0);
    expect(compareLooks(look(3_000, 10), toTop({})).functions[0]?.forms[0]?.usage?.cpuRatio).toBeUndefined();
    expect(compareLooks(look(1_000, 10), look(1_000, 5)).node.cpuRatio).toBeUndefined();
  });
});

describe("figures", () => {
  test.each([
    [
      toDuration,
      [0, 0.00123, 0.0421, 0.9996, 4.2, 12.345, 999.6, 61_000],
      ["0", "1.23 µs", "42.1 µs", "1.00 ms", "4.20 ms", "12.3 ms", "1.00  s", "61.0  s"],
    ],
    [
      toCount,
      [0, 9_999, 10_000, 999_499, 999_500, 12_345_678, 4e9],
      ["0", "9999", "10.0k", "999k", "1.00M", "12.3M", "4.00G"],
    ],
    [toRate, [0, 0.004, 0.1, 9.999, 345.4, 999.6, 12_345], ["0", "0", "0.10", "10.0", "345", "1000", "12.3k"]],
    [toMemory, [0, 1_000_000, 192_937_984, 2 ** 30, 3.2e12], ["0", "0.95 MiB", "184 MiB", "1.00 GiB", "2980 GiB"]],
    [toPercent, [0, 0.0004, 0.001, 0.1187, 2.5], ["0", "0", "0.1", "11.9", "250.0"]],
    [toAge, [0, 59_999, 61_000, 7_980_000, 273_600_000], ["0 s", "59 s", "1 min 1 s", "2 h 13 min", "3 d 4 h"]],
  ] as const)("%o", (format, values, texts) => {
    expect(values.map((value) => format(value))).toEqual(texts);
  });
});
