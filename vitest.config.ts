import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks",
    // Nothing a test starts may answer more slowly than this, also on a machine under load.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Real processes on a loaded machine: there a failure counts when it comes twice, and the report names the first.
    retry: process.env.CI ? 1 : 0,
    reporters: ["default"],
  },
});
