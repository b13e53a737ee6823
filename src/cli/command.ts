/**
 * A command is one typed value: what it is called, what it takes, what it does.
 *
 *     export default defineCommand({ meta: { name: "list", … }, args: { … }, async run({ args, print }) { … } })
 */

import { type Args, type ArgValues, type GLOBAL_ARGS, type GlobalValues, parseCommandLine } from "./args.ts";
import type { CliIo } from "./io.ts";
import type { Printer } from "./print.ts";

/** What the help tells of a command. */
export interface CommandMeta {
  /** As typed after `nebula`: `config check`. */
  readonly name: string;
  /** What it does and what is worth knowing, a paragraph. */
  readonly about: string;
  /** Whole command lines with what they do. */
  readonly examples?: readonly { readonly line: string; readonly summary: string }[];
  /** Environment variables that no flag stands for. */
  readonly env?: Readonly<Record<string, string>>;
}

/** What a command has in its hands while it runs. */
export interface RunContext<A extends Args> {
  readonly args: ArgValues<A & typeof GLOBAL_ARGS>;
  readonly io: CliIo;
  readonly print: Printer;
  /** Aborts at SIGINT, SIGTERM, SIGHUP and at an exception that nobody caught. */
  readonly signal: AbortSignal;
}

/** A command as its file defines it. */
export interface Command<A extends Args> {
  readonly meta: CommandMeta;
  readonly args: A;
  /** Prints its result. Resolves to the exit code where it is not 0. */
  run(context: RunContext<A>): Promise<number | undefined>;
}

/** A command whose arguments are known to itself alone. */
export interface AnyCommand {
  readonly meta: CommandMeta;
  readonly args: Args;
  /** @throws {NebulaError} NEBULA_USAGE when the command line is wrong. */
  parse(line: { argv: readonly string[]; env: CliIo["env"] }): ParsedCommand;
}

/** A command with its values, ready to run. */
export interface ParsedCommand {
  readonly globals: GlobalValues;
  run(context: Omit<RunContext<Args>, "args">): Promise<number | undefined>;
}

/** Makes a command that knows the types of its own arguments into one that can stand beside others. */
export function defineCommand<const A extends Args>(command: Command<A>): AnyCommand {
  const { meta, args } = command;
  return {
    meta,
    args,
    parse(line) {
      const values = parseCommandLine(args, { ...line, command: `nebula ${meta.name}` });
      const { json, verbose, help }: GlobalValues = values;
      return { globals: { json, verbose, help }, run: (context) => command.run({ ...context, args: values }) };
    },
  };
}
