/**
 * Help texts, made from what the commands say of themselves.
 */

import { type Arg, type Args, GLOBAL_ARGS, toFlag } from "./args.ts";
import type { AnyCommand } from "./command.ts";
import { formatTable, wrapText } from "./style.ts";

const WIDTH = 100;
const INDENT = "  ";

/** What stands in a list of commands. */
export interface Listed {
  /** As typed after `nebula`. */
  readonly name: string;
  readonly summary: string;
}

/** The help of `nebula` itself, or of a noun like `nebula config`. */
export function formatOverview(title: string, commands: readonly Listed[]): string {
  const [program = "nebula"] = title.split(":", 1);
  return [
    wrapText(title, WIDTH),
    section("Usage", `${INDENT}${program} <command> [arguments] [flags]`),
    section(
      "Commands",
      formatTable(
        commands.map(({ name, summary }) => [name, summary]),
        { indent: INDENT },
      ),
    ),
    section("Flags", formatFlags({ ...GLOBAL_ARGS, ...(program === "nebula" && VERSION_ARG) })),
    `${program} <command> --help tells more of a command.`,
  ].join("\n\n");
}

const VERSION_ARG: Args = { version: { type: "flag", summary: "Print the version" } };

/** The help of one command: usage, arguments, flags with their defaults, environment, examples. */
export function formatHelp({ meta, args }: AnyCommand): string {
  const positionals = Object.entries(args).filter(([, arg]) => arg.type === "positional");
  const words = positionals.map(([key, arg]) => ("default" in arg ? `[${key}]` : `<${key}>`));
  const environment = toEnvironment(args, meta.env);
  const examples = (meta.examples ?? []).map(({ line, summary }) => [line, summary]);
  return [
    wrapText(meta.about, WIDTH),
    section("Usage", `${INDENT}${["nebula", meta.name, ...words, "[flags]"].join(" ")}`),
    ...optional(
      "Arguments",
      positionals.map(([key, arg]) => [key, describe(arg)]),
    ),
    section("Flags", formatFlags({ ...args, ...GLOBAL_ARGS })),
    ...optional("Environment", environment),
    ...optional("Examples", examples),
  ].join("\n\n");
}

function section(title: string, body: string): string {
  return `${title}\n${body}`;
}

function optional(title: string, rows: readonly (readonly string[])[]): string[] {
  return rows.length === 0 ? [] : [section(title, formatTable(rows, { indent: INDENT }))];
}

function formatFlags(args: Args): string {
  const rows = Object.entries(args)
    .filter(([, arg]) => arg.type !== "positional")
    .map(([key, arg]) => [toSpelling(key, arg), describe(arg)]);
  return formatTable(rows, { indent: INDENT });
}

function toSpelling(key: string, arg: Arg): string {
  const short = "short" in arg && arg.short !== undefined ? `-${arg.short}, ` : "    ";
  const value = arg.type === "number" ? ` <${arg.min}-${arg.max}>` : "value" in arg ? ` <${arg.value}>` : "";
  return `${short}${toFlag(key)}${value}`;
}

function describe(arg: Arg): string {
  const notes = [
    ...("default" in arg && arg.default !== undefined ? [`default ${arg.default}`] : []),
    ...(arg.type === "list" ? ["may be repeated"] : []),
  ];
  return notes.length === 0 ? arg.summary : `${arg.summary} (${notes.join(", ")})`;
}

function toEnvironment(args: Args, others: Readonly<Record<string, string>> = {}): string[][] {
  const stands = Object.entries(args).flatMap(([key, arg]) =>
    "env" in arg && arg.env !== undefined ? [[arg.env, `stands for ${toFlag(key)}`]] : [],
  );
  return [...stands, ...Object.entries(others)];
}
