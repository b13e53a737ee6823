/**
 * `nebula top`: what a node is doing, every second anew.
 */

import { setTimeout } from "node:timers/promises";
import { type Client, createClient } from "../../client/client.ts";
import { getNode } from "../../client/find-node.ts";
import { defineCommand } from "../command.ts";
import { listStateDirs, NODE_ENV, STATE_ARG } from "../common-args.ts";
import { createStyle, type Style } from "../style.ts";
import { toRows } from "../top/columns.ts";
import { changeView, holdView, isQuit } from "../top/keys.ts";
import { countVisible, FIRST_VIEW, renderOnce, renderScreen } from "../top/render.ts";
import { findTerminal, openScreen, type Terminal } from "../top/screen.ts";
import { compareLooks } from "../top/two-looks.ts";

const LOOK_EVERY_MS = 1_000;

export default defineCommand({
  meta: {
    name: "top",
    about:
      "Shows what the running node is doing, every second anew: for each function and engine requests per second, CPU in " +
      "percent of one core, memory, instances by state, cold starts, thaws and warm calls, errors, and how long the phases " +
      "took since the function was first called. q quits, s sorts by another column, arrows or j and k scroll. Without a " +
      "terminal it prints one table, with --json one object, both after a second.",
    examples: [
      { line: "nebula top", summary: "watch" },
      { line: "nebula top --json", summary: "look once, with every figure" },
    ],
    env: NODE_ENV,
  },
  args: STATE_ARG,
  async run({ args, io, print, signal }) {
    const stateDirs = listStateDirs({ stateDir: args.stateDir, cwd: io.cwd });
    const client = createClient(await getNode({ stateDirs, env: io.env }));
    const terminal = print.isJson ? undefined : findTerminal(io);
    const style = createStyle({ isTty: terminal !== undefined, env: io.env });
    if (terminal !== undefined) await watch(client, { terminal, style, signal });
    else {
      const before = await client.getTop({ signal });
      await setTimeout(LOOK_EVERY_MS, undefined, { signal });
      const top = compareLooks(await client.getTop({ signal }), before);
      print.result(top, renderOnce(top, style));
    }
    return 0;
  },
});

interface WatchOptions {
  readonly terminal: Terminal;
  readonly style: Style;
  readonly signal: AbortSignal;
}

/** Looks and draws until somebody quits. */
async function watch(client: Client, { terminal, style, signal }: WatchOptions): Promise<void> {
  const quit = new AbortController();
  const over = AbortSignal.any([signal, quit.signal]);
  // The first look comes before the screen is taken: what is wrong from the start is said in the usual way.
  let top = await client.getTop({ signal });
  let view = FIRST_VIEW;
  const draw = () => {
    const { size } = screen;
    view = holdView(view, { count: toRows(top).length, visible: countVisible(size) });
    screen.draw(renderScreen(top, view, { size, style }));
  };
  using screen = openScreen(terminal, {
    onResize: draw,
    onKey: (key) => {
      if (isQuit(key)) return quit.abort();
      view = changeView(view, key, { count: toRows(top).length, visible: countVisible(screen.size) });
      draw();
    },
  });
  try {
    for (;;) {
      draw();
      await setTimeout(LOOK_EVERY_MS, undefined, { signal: over });
      top = compareLooks(await client.getTop({ signal: over }), top);
    }
  } catch (thrown) {
    if (!quit.signal.aborted) throw thrown;
  }
}
