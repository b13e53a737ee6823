/**
 * The command line: finds the command, reads its arguments, runs it, and says how it ended.
 *
 *     argv ─▶ command (loaded when named) ─▶ arguments ─▶ run ─▶ exit code
 *
 * Exit codes: 0 done, 1 the function or its configuration, 2 usage, 70 our fault, 130 interrupted.
 * Loads nothing that a help text does not need.
 */

import { readFile } from "node:fs/promises";
import { findMeant } from "../config/did-you-mean.ts";
import { GLOBAL_ARGS, usageError } from "./args.ts";
import type { AnyCommand } from "./command.ts";
import { formatHelp, formatOverview } from "./help.ts";
import { listenForInterrupt } from "./interrupt.ts";
import type { CliIo } from "./io.ts";
import { createPrinter, type Printer, toExitCode } from "./print.ts";

interface Entry {
  readonly summary: string;
  readonly load: () => Promise<{ readonly default: AnyCommand }>;
}

interface Noun {
  readonly summary: string;
  readonly verbs: Readonly<Record<string, Entry>>;
}

const COMMANDS: Readonly<Record<string, Entry | Noun>> = {
  serve: { summary: "Serve a project and its functions", load: () => import("./commands/serve.ts") },
  dev: { summary: "Serve a project and reload what changes", load: () => import("./commands/dev.ts") },
  build: { summary: "Build a project and show what each step did", load: () => import("./commands/build.ts") },
  inspect: { summary: "Show what is in a Wasm file, and whether it runs", load: () => import("./commands/inspect.ts") },
  invoke: { summary: "Send one request to a function", load: () => import("./commands/invoke.ts") },
  doctor: { summary: "Look at what this machine has for a node", load: () => import("./commands/doctor.ts") },
  list: { summary: "List the functions of a node", load: () => import("./commands/list.ts") },
  explain: { summary: "Tell which engine answers, and why", load: () => import("./commands/explain.ts") },
  top: { summary: "Watch what a node is doing", load: () => import("./commands/top.ts") },
  secret: {
    summary: "Change the secrets of functions",
    verbs: {
      put: { summary: "Give a function a secret", load: () => import("./commands/secret-put.ts") },
      list: { summary: "List the secrets of a function", load: () => import("./commands/secret-list.ts") },
      delete: { summary: "Delete a secret of a function", load: () => import("./commands/secret-delete.ts") },
      rotate: { summary: "Encrypt all secrets with a new key", load: () => import("./commands/secret-rotate.ts") },
    },
  },
  types: { summary: "Write what env holds as TypeScript", load: () => import("./commands/types.ts") },
  config: {
    summary: "Look at configuration",
    verbs: {
      check: { summary: "Find every problem and show what counts", load: () => import("./commands/config-check.ts") },
    },
  },
};

const TITLE = "nebula: a serverless edge runtime that one person can own";
const EXIT_INTERRUPTED = 130;

/** Runs one command line, `argv` without program and script. Resolves to the exit code and never rejects. */
export async function runCli(argv: readonly string[], io: CliIo): Promise<number> {
  const print = createPrinter({ io, isJson: argv.includes("--json"), isVerbose: argv.includes("--verbose") });
  try {
    const { leading, rest } = splitLeading(argv);
    if (leading.includes("--version")) return await printVersion(print);
    const [first, ...others] = rest;
    if (first === undefined) return printOverview(print, TITLE, COMMANDS);
    if (first === "help") return await runCli([...others, "--help"], io);
    return await runEntry(find(COMMANDS, first, "nebula"), { name: first, argv: [...others, ...leading], io, print });
  } catch (thrown) {
    print.fail(thrown);
    return toExitCode(thrown);
  }
}

interface Line {
  readonly name: string;
  readonly argv: readonly string[];
  readonly io: CliIo;
  readonly print: Printer;
}

async function runEntry(entry: Entry | Noun, line: Line): Promise<number> {
  if ("load" in entry) return await runCommand((await entry.load()).default, line);
  const { leading, rest } = splitLeading(line.argv);
  const [verb, ...others] = rest;
  const noun = `nebula ${line.name}`;
  if (verb === undefined) return printOverview(line.print, `${noun}: ${entry.summary.toLowerCase()}`, entry.verbs);
  return await runEntry(find(entry.verbs, verb, noun), { ...line, name: verb, argv: [...others, ...leading] });
}

async function runCommand(command: AnyCommand, { argv, io, print }: Line): Promise<number> {
  const parsed = command.parse({ argv, env: io.env });
  if (parsed.globals.help) {
    const help = formatHelp(command);
    print.result({ help }, help);
    return 0;
  }
  using interrupt = listenForInterrupt(io.signals);
  const { signal } = interrupt;
  const forced = interrupt.forced.then(() => EXIT_INTERRUPTED);
  try {
    const code = await Promise.race([parsed.run({ io, print, signal }), forced]);
    if (interrupt.crash === undefined) return code ?? 0;
    print.report(interrupt.crash);
    return toExitCode(interrupt.crash);
  } catch (thrown) {
    // What breaks because the run was being ended is not worth telling.
    if (signal.aborted && interrupt.crash === undefined) return EXIT_INTERRUPTED;
    print.fail(interrupt.crash ?? thrown);
    return toExitCode(interrupt.crash ?? thrown);
  }
}

/** Flags that every command has may stand before the command too. */
function splitLeading(argv: readonly string[]): { leading: readonly string[]; rest: readonly string[] } {
  const known = new Set([...Object.keys(GLOBAL_ARGS), "version"].map((name) => `--${name}`).concat("-h"));
  const at = argv.findIndex((word) => !known.has(word));
  const end = at === -1 ? argv.length : at;
  return { leading: argv.slice(0, end), rest: argv.slice(end) };
}

function find<Found>(entries: Readonly<Record<string, Found>>, word: string, program: string): Found {
  const found = Object.hasOwn(entries, word) ? entries[word] : undefined;
  if (found !== undefined) return found;
  const meant = findMeant(word, Object.keys(entries));
  const what = word.startsWith("-") ? "flag" : "command";
  const hint = meant === undefined ? `See ${program} --help` : `Did you mean "${program} ${meant}"?`;
  throw usageError(`Cannot run "${program} ${word}": there is no such ${what}`, hint);
}

function printOverview(print: Printer, title: string, entries: Readonly<Record<string, Entry | Noun>>): number {
  const commands = Object.entries(entries).flatMap(([name, entry]) =>
    "verbs" in entry
      ? Object.entries(entry.verbs).map(([verb, { summary }]) => ({ name: `${name} ${verb}`, summary }))
      : [{ name, summary: entry.summary }],
  );
  print.result({ commands }, formatOverview(title, commands));
  return 0;
}

async function printVersion(print: Printer): Promise<number> {
  const { version }: { version: string } = JSON.parse(
    await readFile(new URL("../../package.json", import.meta.url), "utf8"),
  );
  print.result({ version }, version);
  return 0;
}
