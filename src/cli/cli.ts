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
  readonly verbs: Readonly<Record<string, Entry | Noun>>;
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
  d1: {
    summary: "Ask and change databases",
    verbs: {
      execute: { summary: "Run SQL in a database", load: () => import("./commands/d1-execute.ts") },
      export: { summary: "Write a database as SQL", load: () => import("./commands/d1-export.ts") },
      import: { summary: "Run a file of SQL, as an export is", load: () => import("./commands/d1-import.ts") },
      migrations: {
        summary: "Bring databases to the form that a function expects",
        verbs: {
          list: { summary: "List migrations", load: () => import("./commands/d1-migrations-list.ts") },
          apply: { summary: "Apply those that are not", load: () => import("./commands/d1-migrations-apply.ts") },
          create: { summary: "Make a new file", load: () => import("./commands/d1-migrations-create.ts") },
        },
      },
    },
  },
  kv: {
    summary: "Read and change namespaces",
    verbs: {
      get: { summary: "Print a value", load: () => import("./commands/kv-get.ts") },
      put: { summary: "Write a value", load: () => import("./commands/kv-put.ts") },
      list: { summary: "List keys", load: () => import("./commands/kv-list.ts") },
      delete: { summary: "Delete a key", load: () => import("./commands/kv-delete.ts") },
      import: { summary: "Write many values from a file", load: () => import("./commands/kv-import.ts") },
      export: { summary: "Write all values to a file", load: () => import("./commands/kv-export.ts") },
    },
  },
  backup: { summary: "Copy all that a node keeps into one file", load: () => import("./commands/backup.ts") },
  restore: { summary: "Make a node's state from a backup", load: () => import("./commands/restore.ts") },
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
  if (verb === undefined) return printOverview(line.print, `${noun}: ${lowerFirst(entry.summary)}`, entry.verbs);
  const name = `${line.name} ${verb}`;
  return await runEntry(find(entry.verbs, verb, noun), { ...line, name, argv: [...others, ...leading] });
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
  const commands = listEntries(entries);
  print.result({ commands }, formatOverview(title, commands));
  return 0;
}

function listEntries(entries: Readonly<Record<string, Entry | Noun>>): { name: string; summary: string }[] {
  return Object.entries(entries).flatMap(([name, entry]) =>
    "verbs" in entry
      ? listEntries(entry.verbs).map((each) => ({ ...each, name: `${name} ${each.name}` }))
      : [{ name, summary: entry.summary }],
  );
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}

async function printVersion(print: Printer): Promise<number> {
  const { version }: { version: string } = JSON.parse(
    await readFile(new URL("../../package.json", import.meta.url), "utf8"),
  );
  print.result({ version }, version);
  return 0;
}
