import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startServer, type RunningServer } from "sluice/server";
import { afterAll, beforeAll, expect, test } from "vitest";

/*
 * Prefect's own Python client against our server: the scenarios of `tests/contract/` that a plain flow needs. `npm test` makes the
 * environment (`scripts/python-env.mjs`) and says so loudly where it cannot; these tests are then skipped.
 */
const python = fileURLToPath(new URL("../../.venv/prefect/bin/python", import.meta.url));
const runner = fileURLToPath(new URL("../contract/run.py", import.meta.url));
const SCENARIOS = [
  "01-hello-flow",
  "02-tasks-submit-map",
  "04-subflows",
  "06-task-retries",
  "07-flow-retries",
  "11-logs",
];
const TIMEOUT_MS = 180_000;

let folder: string;
let server: RunningServer;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sluice-interop-"));
  server = await startServer({ port: 0, home: folder });
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

test.skipIf(!existsSync(python)).each(SCENARIOS)(
  "the Python client finds what it expects in scenario %s",
  async (scenario) => {
    const args = [runner, "--api-url", server.apiUrl, "--only", scenario, "--slow", "2"];
    const env = { ...process.env, PYTHONDONTWRITEBYTECODE: "1" };
    const output = await new Promise<string>((resolve) => {
      execFile(python, args, { encoding: "utf8", env, cwd: folder, timeout: TIMEOUT_MS }, (_error, stdout, stderr) =>
        resolve(stdout + stderr),
      );
    });
    expect(output).toContain("scenarios: 1 passed, 0 failed");
  },
  TIMEOUT_MS,
);
