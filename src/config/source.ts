/**
 * A configuration text behind one small interface: its value, and where each key and value stands.
 *
 * `toml.ts` and `jsonc.ts` make sources; nobody else knows which of the two was read.
 */

/** Keys and list indexes from the top: `["routes", 1, "pattern"]`. */
export type Path = readonly (string | number)[];

/** Both count from 1; columns count UTF-16 code units, as editors do. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A configuration file as it was read, with the places of its values. */
export interface Source {
  /** Tables are objects, possibly without a prototype. TOML dates are `Date`s. */
  readonly value: Readonly<Record<string, unknown>>;
  /** Where the key, or the value, at the path stands; of what is not there, where its nearest ancestor's does. */
  positionOf(path: Path, part: "key" | "value"): Position;
}

/** A fault of the text itself. */
export interface Problem {
  readonly message: string;
  readonly position: Position;
  readonly hint?: string;
}

/** What a parser makes of a text: no source when it could not be read at all. */
export interface Parsed {
  readonly source?: Source;
  readonly problems: readonly Problem[];
}

/** Where a problem of the whole file is shown. */
export const START: Position = { line: 1, column: 1 };

/** Deeper values are refused, so that whoever walks over them may recurse. */
export const MAX_DEPTH = 64;

/** Turns offsets into positions by the starts of the lines. */
export function createLocator(text: string): (offset: number) => Position {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
  };
}

/** Writes a path as authors would: `routes[1].pattern`, `vars."my key"`. */
export function formatPath(path: Path): string {
  let text = "";
  for (const segment of path) {
    if (typeof segment === "number") text += `[${segment}]`;
    else text += (text === "" ? "" : ".") + (/^[\w$-]+$/.test(segment) ? segment : JSON.stringify(segment));
  }
  return text;
}

/** Whether the value is a table: not a list, not a date. */
export function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/** The path of the first value that lies deeper than `MAX_DEPTH`. Does not recurse, because the value may be deep. */
export function findTooDeep(root: unknown): Path | undefined {
  let level: { value: unknown; path: Path }[] = [{ value: root, path: [] }];
  for (let depth = 0; level.length > 0; depth++) {
    const [first] = level;
    if (depth > MAX_DEPTH && first) return first.path;
    level = level.flatMap(({ value, path }) =>
      listChildren(value).map(([key, child]) => ({ value: child, path: [...path, key] })),
    );
  }
  return undefined;
}

function listChildren(value: unknown): (readonly [string | number, unknown])[] {
  if (Array.isArray(value)) return value.map((child, index) => [index, child] as const);
  return isTable(value) ? Object.entries(value) : [];
}
