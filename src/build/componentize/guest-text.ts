/**
 * The whole script that the engine in Wasm evaluates before it is snapshotted, and the map of its positions.
 *
 *     imports of the host · the prelude · the function · what the component exports
 */

import type { SourceMapPayload } from "node:module";
import type { JsArtifact } from "../../model/artifact.ts";
import { PRELUDE_NAME } from "./prelude-text.ts";
import { PROGRAM_NAME, type ProgramText } from "./program-text.ts";
import { HOST_MODULES } from "./world.ts";

/** A script and its source map, which knows the function's sources alone. */
export interface GuestText {
  readonly code: string;
  readonly sourceMap: SourceMapPayload;
}

/** Puts the parts below each other and moves the map down accordingly. */
export function joinGuest(prelude: string, program: ProgramText, style: JsArtifact["style"]): GuestText {
  const names = Object.keys(HOST_MODULES);
  const imports = Object.entries(HOST_MODULES).map(([name, module]) => `import ${name} from "${module}";`);
  const above = [...imports, prelude].join("\n");
  const aboveLines = above.split("\n").length;
  const { mappings } = program.sourceMap;
  const unmappedLines = /^;*/.exec(mappings)?.[0].length ?? 0;
  const lines = [aboveLines + unmappedLines + 1, aboveLines + program.code.split("\n").length];
  const about = `{ style: "${style}", lines: [${lines}], evaluate: ${PROGRAM_NAME}.evaluate }`;
  const end = `export const incomingHandler = ${PRELUDE_NAME}.start({ ${names.join(", ")} }, ${about});`;
  return {
    code: [above, program.code, end].join("\n"),
    sourceMap: { ...program.sourceMap, mappings: ";".repeat(aboveLines) + mappings },
  };
}
