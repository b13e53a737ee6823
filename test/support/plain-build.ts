/**
 * The build settings of a project whose configuration says nothing, for tests that make projects by hand.
 */

import type { Project } from "../../src/model/function.ts";

/** Bundled, with names as they come, and nothing else. */
export function toPlainBuild(dir: string): Project["build"] {
  return {
    cwd: dir,
    watchDirs: [],
    define: {},
    alias: {},
    rules: [],
    minify: false,
    keepNames: false,
    isBundled: true,
  };
}
