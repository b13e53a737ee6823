/**
 * What a key does to the view.
 */

import { SORTS } from "./columns.ts";
import type { View } from "./render.ts";

const ESC = "\u001b";
const QUIT = new Set(["q", "Q", "\u0003"]);
/** Terminals send arrows in two ways. */
const LINES: Readonly<Record<string, number>> = {
  j: 1,
  [`${ESC}[B`]: 1,
  [`${ESC}OB`]: 1,
  k: -1,
  [`${ESC}[A`]: -1,
  [`${ESC}OA`]: -1,
};
const PAGES: Readonly<Record<string, number>> = { " ": 1, [`${ESC}[6~`]: 1, [`${ESC}[5~`]: -1 };

/** Whether the key ends the watch. */
export function isQuit(key: string): boolean {
  return QUIT.has(key);
}

/** The view after a key; the same for one that means nothing. */
export function changeView(view: View, key: string, { count, visible }: { count: number; visible: number }): View {
  if (key === "s") {
    const sort = SORTS[(SORTS.indexOf(view.sort) + 1) % SORTS.length] ?? view.sort;
    return { sort, offset: 0 };
  }
  const moved = view.offset + (LINES[key] ?? 0) + (PAGES[key] ?? 0) * visible;
  return holdView({ ...view, offset: moved }, { count, visible });
}

/** The view within what there is: functions go, and screens grow. */
export function holdView(view: View, { count, visible }: { count: number; visible: number }): View {
  return { ...view, offset: Math.max(0, Math.min(view.offset, count - visible)) };
}
