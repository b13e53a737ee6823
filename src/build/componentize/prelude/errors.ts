/**
 * What a function throws, as plain text.
 *
 * The engine's stacks have no first line; `await` is rewritten, so that a frame of an async function has no name, and
 * its name stands in the frame of its caller. Both are put right here.
 */

/** How the bundle is called in stacks; positions in it are led back to the sources by the host. */
export const BUNDLE = "file:///index.js";

/** Plain data: the same fields as in the rest of Nebula. */
export interface PlainError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  /** All of what a method threw; see CallFailure. */
  readonly thrown?: string;
}

const FRAME = /^ {4}at (?:(.+) \()?componentize-qjs:user\.js:(\d+):(\d+)\)?$/;

/** First and last line of the function in the script; frames of other lines are ours. */
export type ProgramLines = readonly [first: number, last: number];

/** Those of this guest, which is one program. */
export const programLines: { now: ProgramLines } = { now: [0, Number.POSITIVE_INFINITY] };

/** Makes what describes whatever was thrown; that never throws itself. */
export function describeError(thrown: unknown, lines: ProgramLines = programLines.now): PlainError {
  try {
    if (!(thrown instanceof Error) && !(thrown instanceof DOMException))
      return { name: "Error", message: showThrown(thrown) };
    const name = String(thrown.name);
    const message = String(thrown.message);
    const head = message === "" ? name : `${name}: ${message}`;
    const stack: unknown = thrown.stack;
    if (typeof stack !== "string") return { name, message, stack: head };
    const frames = cleanFrames(stack, lines);
    const whole = "thrown" in thrown && typeof thrown.thrown === "string" ? { thrown: thrown.thrown } : {};
    return { name, message, stack: frames === "" ? head : `${head}\n${frames}`, ...whole };
  } catch {
    // because getters of what was thrown may throw
    return { name: "Error", message: "(a value that cannot be printed)" };
  }
}

/** What one message to the host may hold; characters are mostly one byte each. */
const SHORT_CHARS = 3_000;
const MESSAGE_CHARS = 400;

/** The same as JSON text that fits one message to the host. */
export function describeShortly(thrown: unknown): string {
  const whole = describeError(thrown);
  const text = JSON.stringify(whole);
  if (text.length <= SHORT_CHARS) return text;
  const { name, message, stack = "" } = whole;
  const cut = { name: name.slice(0, MESSAGE_CHARS), message: message.slice(0, MESSAGE_CHARS) };
  return JSON.stringify({ ...cut, stack: stack.slice(0, MESSAGE_CHARS) });
}

function showThrown(thrown: unknown): string {
  return typeof thrown === "symbol" ? thrown.toString() : String(thrown);
}

/** Leaves out the frames of others, and gives async functions their names where the stack still has them. */
function cleanFrames(stack: string, [first, last]: ProgramLines): string {
  const shown: string[] = [];
  let isResumed = false;
  for (const line of stack.split("\n")) {
    if (line.includes("next (native)")) isResumed = true;
    const [, name, row = "0", column] = FRAME.exec(line) ?? [];
    if (Number(row) < first || Number(row) > last) continue;
    const before = shown.at(-1);
    const isName = isResumed && name !== undefined && name !== "<anonymous>" && before?.startsWith("    at file:");
    if (isName) shown[shown.length - 1] = `    at ${name} (${before?.slice(7)})`;
    else {
      const place = `${BUNDLE}:${row}:${column}`;
      shown.push(name === undefined || name === "<anonymous>" ? `    at ${place}` : `    at ${name} (${place})`);
    }
    isResumed = false;
  }
  return shown.join("\n");
}
