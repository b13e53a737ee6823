/**
 * Leads positions in a bundle back to the sources that it was made of.
 */

import { SourceMap, type SourceMapPayload } from "node:module";

/** Maps every position of the bundle in a stack or a message. */
export type StackMapper = (text: string) => Promise<string>;

const FRAME = /^\s+at /;
/** Deno does not take our name for what it reads from standard input. */
const OUR_FRAME = /\bnebula:guest:|\$deno\$stdin\.js:/;
const RUNTIME_FRAME = /\b(?:node|ext):/;

/**
 * Reads the source map when the first position is to be mapped, and keeps it. Positions stay as they are where there
 * is none that can be read. `name` is the bundle's file name as stacks show it.
 */
export function createStackMapper(name: string, readMap: () => Promise<Uint8Array | undefined>): StackMapper {
  let map: Promise<SourceMap | undefined> | undefined;
  const position = new RegExp(`(?:file:///)?${RegExp.escape(name)}:(\\d+):(\\d+)`, "g");
  return async (text) => {
    const visible = hideFrames(text);
    if (!visible.includes(name)) return visible;
    // because what the function has to say matters more than where its source map went
    map ??= readMap().then(toSourceMap, () => undefined);
    const found = await map;
    if (found === undefined) return visible;
    return visible.replace(position, (whole, line, column) => {
      const entry = found.findEntry(Number(line) - 1, Number(column) - 1);
      if (!("originalSource" in entry) || entry.originalSource === undefined) return whole;
      return `${entry.originalSource}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
    });
  };
}

/**
 * Leaves out frames of our own code inside the guest process, and of its runtime below it at the end of a stack. Line by line
 * and from the end: one expression for all of it backtracks for seconds over what a hostile guest writes.
 */
function hideFrames(text: string): string {
  const shown: string[] = [];
  let isEnd = true;
  for (const line of text.split("\n").reverse()) {
    const isFrame = FRAME.test(line);
    if (isFrame && (OUR_FRAME.test(line) || (isEnd && RUNTIME_FRAME.test(line)))) continue;
    isEnd = !isFrame;
    shown.push(line);
  }
  return shown.reverse().join("\n");
}

function toSourceMap(bytes: Uint8Array | undefined): SourceMap | undefined {
  if (bytes === undefined) return undefined;
  try {
    const payload: SourceMapPayload = JSON.parse(Buffer.from(bytes).toString());
    return new SourceMap(payload);
  } catch {
    // because an author may upload anything as a source map
    return undefined;
  }
}
