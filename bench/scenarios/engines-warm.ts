/**
 * One program, warm, in every engine: latency with one client, requests per second with many, and memory at rest and
 * under load. Memory is everything of the processes that run the function alone, and the node's own beside it.
 */

import { openConnection } from "../connection.ts";
import { askForm, compileServer, type FormName, PATHS, toFormFiles } from "../engine-set.ts";
import { openGenerator } from "../load.ts";
import { type NebulaServer, startNebula } from "../nebula.ts";
import { measure, ROUND_COLUMNS, type RoundPlan, report } from "../rounds.ts";
import type { RunOptions, Scenario } from "../scenario.ts";
import { round } from "../stats.ts";

const FORMS: readonly FormName[] = ["wasi", "isolate", "container"];
const CONNECTIONS = [1, 32];
const KEEP_WARM = "[nebula.scaling]\nidle_ms = 3600000\n";

const scenario: Scenario = {
  name: "engines-warm",
  question: "How fast is the same program in every engine once it is warm, and what does it hold?",
  run: async (findings, options) => {
    const server = compileServer();
    const files = FORMS.map((form) => toFormFiles(`warm-${form}`, server, { engines: [form], more: KEEP_WARM }));
    await using node = await startNebula(Object.assign({}, ...files));
    const views = FORMS.map((form) => ({
      ...node,
      name: form,
      url: new URL(`/fn/warm-${form}/${PATHS.light}`, node.url),
    }));
    const memory: (string | number)[][] = [];
    for (const form of FORMS) {
      using connection = await openConnection(node.url);
      await askForm(connection, `warm-${form}`, PATHS.light);
    }
    memory.push(...(await readMemory(node, "after one request")));
    const generator = openGenerator();
    const plan = toPlan(options);
    const rows: (string | number)[][] = [];
    for (const connections of CONNECTIONS) {
      const rounds = await measure(views, { generator, connections, plan, ...options });
      rows.push(...report(findings, { connections, rounds, plan }));
    }
    memory.push(...(await readMemory(node, "after the load")));
    findings.tables.push({ title: "Warm (medians of the rounds)", columns: ROUND_COLUMNS, rows });
    findings.tables.push({
      title: "Memory, as the node tells it (1 MB = 10⁶ bytes)",
      columns: ["what", "when", "MB"],
      rows: memory,
    });
    findings.note(`load by ${generator.description}`);
    findings.note("wasi functions share processes, one for each core; the server's CPU leaves out what containers use");
  },
};

export default scenario;

function toPlan({ isQuick }: RunOptions): RoundPlan {
  return isQuick ? { warmUpSeconds: 1, seconds: 1, count: 1 } : { warmUpSeconds: 2, seconds: 3, count: 3 };
}

async function readMemory({ client }: NebulaServer, when: string): Promise<(string | number)[][]> {
  const { node, functions, shared } = await client.getTop();
  const rows = [
    { what: "host", memoryBytes: node.memoryBytes },
    ...shared.map(({ engine, usage }) => ({ what: `${engine} processes`, memoryBytes: usage.memoryBytes })),
    ...functions.flatMap(({ name, forms }) =>
      forms.flatMap(({ usage }) => (usage === undefined ? [] : [{ what: name, memoryBytes: usage.memoryBytes }])),
    ),
  ];
  return rows.map(({ what, memoryBytes }) => [what, when, round(memoryBytes / 1e6)]);
}
