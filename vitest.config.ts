import { defineConfig } from "vitest/config";

/**
 * They take all of the machine, measure what is held, or have a Docker daemon of their own, of which there may be one:
 * each runs when nothing else does.
 */
const ALONE = ["test/contract/wasi-attack.test.ts", "test/e2e/{faults,hostile-guests,leaks}.test.ts"];
/** What is asked of one part at a time, without processes that run functions; each file takes a moment. */
const PARTS = ["test/unit/**/*.test.ts", "test/rules/**/*.test.ts"];

export default defineConfig({
  test: {
    pool: "forks",
    // Two at a time, also where there are two processors: half of the time of most of them is waiting.
    maxWorkers: 2,
    // Nothing a test starts may answer more slowly than this, also on a machine under load.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Real processes on a loaded machine: there a failure counts when it comes twice, and the report names the first.
    retry: process.env.CI ? 1 : 0,
    reporters: ["default"],
    // In this order, by their names: the short ones fill what the long ones leave.
    projects: [
      { extends: true, test: { name: "nodes", include: ["test/**/*.test.ts"], exclude: [...PARTS, ...ALONE] } },
      { extends: true, test: { name: "parts", include: PARTS } },
      // Vitest keeps those that run one by one until the others are done.
      { extends: true, test: { name: "alone", include: ALONE, fileParallelism: false } },
    ],
  },
});
