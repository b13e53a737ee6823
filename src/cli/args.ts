/**
 * Arguments of a command as data, and the values that a command line gives them.
 *
 *     { port: { type: "number", min: 0, max: 65535, default: 8787, env: "NEBULA_DATA_PORT", summary: "…" } }
 *     parseCommandLine(["--port", "9000"], args)  →  { port: 9000 }
 *
 * A flag on the command line comes before its environment variable, and that before the default. A key in camelCase
 * is a flag in kebab-case: `controlPort` is `--control-port`.
 */

import { type ParseArgsOptionsConfig, parseArgs } from "node:util";
import { findMeant } from "../config/did-you-mean.ts";
import { NebulaError } from "../model/errors.ts";

interface Described {
  readonly summary: string;
}

/** Given or not. */
export interface FlagArg extends Described {
  readonly type: "flag";
  /** One letter. */
  readonly short?: string;
}

/** A flag with a value. */
export interface TextArg extends Described {
  readonly type: "text";
  readonly short?: string;
  readonly default?: string;
  /** What the value is, in the help: `<folder>`. */
  readonly value: string;
  /** The environment variable that stands in for it; an empty one counts as absent. */
  readonly env?: string;
}

/** May be given several times. */
export interface ListArg extends Described {
  readonly type: "list";
  readonly short?: string;
  readonly value: string;
}

/** A whole number. */
export interface NumberArg extends Described {
  readonly type: "number";
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly env?: string;
}

/** Given without a flag, in the order of the keys. Required unless it has a default. */
export interface PositionalArg extends Described {
  readonly type: "positional";
  readonly default?: string;
}

/** One argument of a command. */
export type Arg = FlagArg | TextArg | ListArg | NumberArg | PositionalArg;
/** The arguments of a command, by key. */
export type Args = Readonly<Record<string, Arg>>;

type ArgValue<A extends Arg> = A extends FlagArg
  ? boolean
  : A extends NumberArg
    ? number
    : A extends ListArg
      ? readonly string[]
      : A extends PositionalArg | { readonly default: string }
        ? string
        : string | undefined;

/** The values of a command's arguments, by key. */
export type ArgValues<A extends Args> = { readonly [Key in keyof A]: ArgValue<A[Key]> };

/** Flags that every command has. */
export const GLOBAL_ARGS = {
  json: { type: "flag", summary: "Print one JSON object on stdout, errors too" },
  verbose: { type: "flag", summary: "Print stacks and causes of errors" },
  help: { type: "flag", short: "h", summary: "Print this help" },
} as const satisfies Args;

/** The values of the flags that every command has. */
export type GlobalValues = ArgValues<typeof GLOBAL_ARGS>;

/** What was typed, and what the environment says. */
export interface CommandLine {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `nebula serve`, for hints. */
  readonly command: string;
}

/** The flag as it is written: `controlPort` → `--control-port`. */
export function toFlag(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** A failure of the one who typed. */
export function usageError(message: string, hint?: string): NebulaError {
  return new NebulaError("NEBULA_USAGE", message, hint === undefined ? {} : { hint });
}

/**
 * Reads a command line.
 *
 * @throws {NebulaError} NEBULA_USAGE for an unknown flag, a value out of range, one argument too many or too few.
 */
export function parseCommandLine<A extends Args>(args: A, line: CommandLine): ArgValues<A & typeof GLOBAL_ARGS> {
  const all: Args = { ...args, ...GLOBAL_ARGS };
  const given = readTokens(all, line);
  // Whoever asks for help is not told what is missing.
  const isHelp = given.flags.has("help");
  const values = Object.entries(all).map(([key, arg]) => {
    if (arg.type === "positional") return [key, readPositional(key, arg, { given, isHelp, line })];
    return [key, readValue(arg, given.flags.get(key), { flag: toFlag(key), line })];
  });
  const [extra] = given.positionals;
  if (extra !== undefined && !isHelp) {
    throw usageError(`Cannot run "${line.command}": argument "${extra}" is one too many`, toHelpHint(line));
  }
  return fromEntries(values);
}

interface Given {
  /** Taken one by one. */
  readonly positionals: string[];
  readonly flags: ReadonlyMap<string, readonly string[]>;
}

/** What was written, by key. Checks the form of every flag, not the values. */
function readTokens(args: Args, { argv, command }: CommandLine): Given {
  const keys = new Map(Object.keys(args).flatMap((key) => (isFlagged(args[key]) ? [[toFlag(key).slice(2), key]] : [])));
  const { tokens } = parseArgs({ args: [...argv], options: toOptions(args), strict: false, tokens: true });
  const flags = new Map<string, string[]>();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") positionals.push(token.value);
    if (token.kind !== "option") continue;
    const key = keys.get(token.name);
    const arg = key === undefined ? undefined : args[key];
    if (key === undefined || arg === undefined) throw unknownFlag(token.rawName, { keys: keys.keys(), command });
    flags.set(key, [...(flags.get(key) ?? []), checkValue(arg, token)]);
  }
  return { flags, positionals };
}

function checkValue(
  arg: Arg,
  token: { rawName: string; value?: string | undefined; inlineValue?: boolean | undefined },
) {
  const { rawName, value, inlineValue } = token;
  if (arg.type === "flag") {
    if (value !== undefined) throw usageError(`Cannot read "${rawName}": it takes no value`);
    return "";
  }
  // A single dash is a value (standard input); a word with a dash before it was meant to be the next flag.
  const isNextFlag = inlineValue !== true && value !== undefined && value.length > 1 && value.startsWith("-");
  if (value === undefined || isNextFlag) throw usageError(`Cannot read "${rawName}": it needs a value`);
  return value;
}

function unknownFlag(rawName: string, { keys, command }: { keys: Iterable<string>; command: string }): NebulaError {
  const meant = rawName.startsWith("--") ? findMeant(rawName.slice(2), keys) : undefined;
  const hint = meant === undefined ? `See ${command} --help` : `Did you mean "--${meant}"?`;
  return usageError(`Cannot run "${command}": there is no flag "${rawName}"`, hint);
}

const isFlagged = (arg: Arg | undefined) => arg !== undefined && arg.type !== "positional";

function toOptions(args: Args): ParseArgsOptionsConfig {
  const options: ParseArgsOptionsConfig = {};
  for (const [key, arg] of Object.entries(args)) {
    if (arg.type === "positional") continue;
    const short = "short" in arg && arg.short !== undefined ? { short: arg.short } : {};
    options[toFlag(key).slice(2)] = { type: arg.type === "flag" ? "boolean" : "string", multiple: true, ...short };
  }
  return options;
}

function readPositional(
  key: string,
  { default: other }: PositionalArg,
  { given, isHelp, line }: { given: Given; isHelp: boolean; line: CommandLine },
): string {
  const value = given.positionals.shift() ?? other;
  if (value !== undefined || isHelp) return value ?? "";
  throw usageError(`Cannot run "${line.command}": <${key}> is missing`, toHelpHint(line));
}

function readValue(
  arg: Exclude<Arg, PositionalArg>,
  given: readonly string[] | undefined,
  { flag, line }: { flag: string; line: CommandLine },
): unknown {
  if (arg.type === "flag") return given !== undefined;
  if (arg.type === "list") return given ?? [];
  const fromEnv = (arg.env !== undefined && line.env[arg.env]) || undefined;
  const text = given?.at(-1) ?? fromEnv;
  if (arg.type === "text" || text === undefined) return text ?? arg.default;
  return parseWhole(text, arg, given === undefined && arg.env !== undefined ? arg.env : flag);
}

function parseWhole(text: string, { min, max }: NumberArg, subject: string): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw usageError(`Cannot read "${subject}": "${text}" is no whole number from ${min} to ${max}`);
}

function toHelpHint({ command }: CommandLine): string {
  return `See ${command} --help`;
}

/** The entries were made key by key from the arguments themselves. */
function fromEntries<Known>(entries: readonly (readonly unknown[])[]): Known {
  return Object.fromEntries(entries) as Known;
}
