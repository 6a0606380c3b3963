import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startServer } from "sluice/server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { contractFolder, python, runPython } from "./python.ts";

/*
 * Prefect's own Python client, CLI, `serve` and worker against our server: every scenario of `tests/contract/`, in one uninterrupted run. `npm test`
 * makes the environment (`scripts/python-env.mjs`) and says so loudly where it cannot; these tests are then skipped.
 */
const SCENARIOS = [
  "01-hello-flow",
  "02-tasks-submit-map",
  "03-async-gather-as-completed",
  "04-subflows",
  "06-task-retries",
  "07-flow-retries",
  "08-failures-and-states",
  "11-logs",
  "13-background-tasks",
  "20-serve-run-deployment",
  "21-process-worker",
  "22-schedules",
  "25-cancel",
  "27-global-concurrency",
  "29-events",
  "40-variables",
  "41-blocks",
  "44-orchestration-rules",
  "50-work-pools-and-queues",
  "51-worker-channel",
  "52-tag-concurrency-limits",
];
const TIMEOUT_MS = 900_000;
const isReady = existsSync(python);

let folder: string;
let output = "";

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sluice-interop-"));
  if (!isReady) return;
  const server = await startServer({ port: 0, home: folder });
  const args = [join(contractFolder, "run.py"), "--api-url", server.apiUrl, "-j", "2", "--slow", "2"];
  ({ output } = await runPython(args, { cwd: folder, timeoutMs: TIMEOUT_MS }));
  await server.close();
}, TIMEOUT_MS);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.skipIf(!isReady).each(SCENARIOS)("the Python side finds what it expects in scenario %s", (scenario) => {
  const told = output.split("\n").filter((line) => line.includes(scenario));
  expect(told.join("\n"), output).toMatch(new RegExp(`^PASS\\s+${scenario}`));
});

test.skipIf(!isReady)("no scenario is left out", () => {
  expect(output).toContain(`scenarios: ${SCENARIOS.length} passed, 0 failed`);
});
