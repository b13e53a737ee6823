/**
 * TOML texts as sources. The only file that knows the TOML parser.
 */

import { parse, TomlError } from "smol-toml";
import type { Parsed } from "./source.ts";
import { createFinder } from "./spots.ts";
import { toTomlSpots } from "./toml-positions.ts";

/** Reads a TOML text. The parser stops at its first fault, so there is one problem at most. */
export function parseToml(text: string): Parsed {
  try {
    const value = parse(text);
    return { source: { value, positionOf: createFinder(toTomlSpots(text), text) }, problems: [] };
  } catch (thrown) {
    if (!(thrown instanceof TomlError)) throw thrown;
    // Only its first line: the rest of the message quotes the file, which may hold values that are not for logs.
    const [summary = ""] = thrown.message.split("\n");
    const message = summary.replace("Invalid TOML document: ", "not valid TOML: ");
    return { problems: [{ message, position: { line: thrown.line, column: thrown.column } }] };
  }
}
