import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks",
    // Nothing a test starts may answer more slowly than this, also on a machine under load.
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: ["default"],
  },
});
