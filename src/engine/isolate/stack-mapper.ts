/**
 * Leads positions in a bundle back to the sources that it was made of.
 */

import { SourceMap, type SourceMapPayload } from "node:module";

/** Maps every position of the bundle in a stack or a message. */
export type StackMapper = (text: string) => Promise<string>;

/** Frames of our own code inside the guest process, and of Node below it at the end of a stack. */
const OUR_FRAME = /\n\s+at [^\n]*\bnebula:guest:[^\n]*/g;
const LAST_NODE_FRAMES = /(?:\n\s+at [^\n]*\bnode:[^\n]*)+(?=$|\n(?!\s+at ))/g;

/**
 * Reads the source map when the first position is to be mapped, and keeps it.
 * `name` is the bundle's file name as stacks show it.
 */
export function createStackMapper(name: string, readMap: () => Promise<Uint8Array | undefined>): StackMapper {
  let map: Promise<SourceMap | undefined> | undefined;
  const position = new RegExp(`(?:file:///)?${RegExp.escape(name)}:(\\d+):(\\d+)`, "g");
  return async (text) => {
    const visible = text.replace(OUR_FRAME, "").replace(LAST_NODE_FRAMES, "");
    if (!visible.includes(name)) return visible;
    map ??= readMap().then(toSourceMap);
    const found = await map;
    if (found === undefined) return visible;
    return visible.replace(position, (whole, line, column) => {
      const entry = found.findEntry(Number(line) - 1, Number(column) - 1);
      if (!("originalSource" in entry) || entry.originalSource === undefined) return whole;
      return `${entry.originalSource}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
    });
  };
}

function toSourceMap(bytes: Uint8Array | undefined): SourceMap | undefined {
  if (bytes === undefined) return undefined;
  const payload: SourceMapPayload = JSON.parse(Buffer.from(bytes).toString());
  return new SourceMap(payload);
}
