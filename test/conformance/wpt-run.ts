/** What one run of a web platform test found out, and what two of them differ in. */

export interface WptRun {
  /** The harness: 0 is well, 1 an error, 2 out of time, 3 a precondition; -1 no answer at all. */
  readonly status: number;
  readonly message: string;
  /** By name; a name that comes twice is numbered. 0 is a pass. */
  readonly tests: ReadonlyMap<string, { readonly status: number; readonly message: string }>;
}

export function parseRun(json: string): WptRun {
  const { status, message, tests } = readRun(json);
  const byName = new Map<string, { status: number; message: string }>();
  for (const test of tests) {
    let name = test.name;
    for (let n = 2; byName.has(name); n++) name = `${test.name} (${n})`;
    byName.set(name, { status: test.status, message: test.message ?? "" });
  }
  return { status, message: message ?? "", tests: byName };
}

interface Raw {
  status: number;
  message?: string;
  tests: { name: string; status: number; message?: string }[];
}

/** The border with the processes that run tests. */
function readRun(json: string): Raw {
  try {
    return JSON.parse(json) as Raw;
  } catch {
    return { status: -1, message: `no result: ${json.slice(0, 200)}`, tests: [] };
  }
}

export interface Lost {
  readonly name: string;
  readonly message: string;
}

/** Subtests that pass on the left and not on the right. */
export function findLost(left: WptRun, right: WptRun): Lost[] {
  const lost: Lost[] = [];
  for (const [name, { status }] of left.tests) {
    const other = right.tests.get(name);
    if (status === 0 && other?.status !== 0) {
      lost.push({ name, message: other?.message ?? `not run: ${right.message}` });
    }
  }
  return lost;
}

export function countPassed({ tests }: WptRun): number {
  return [...tests.values()].filter(({ status }) => status === 0).length;
}
