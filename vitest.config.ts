import { defineConfig } from "vitest/config";

/** Tests see no setting of the person who starts them; one that names no home of its own fails and reads why. */
for (const name of Object.keys(process.env)) if (/^(?:SLUICE|PREFECT)_/.test(name)) delete process.env[name];
process.env["SLUICE_HOME"] = "/dev/null/this-test-must-set-its-own-SLUICE_HOME";

export default defineConfig({
  test: {
    include: ["packages/*/src/**/*.test.ts", "tests/**/*.test.ts", "examples/**/*.test.ts", "bench/**/*.test.ts"],
    // Modules load as they do for a user: by Node itself, types stripped. Call sites, workers and child processes are real.
    experimental: { viteModuleRunner: false, nodeLoader: false },
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    teardownTimeout: 10_000,
    reporters: ["default", "./scripts/closing-line.mjs"],
  },
});
