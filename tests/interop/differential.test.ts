import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startServer } from "sluice/server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { contractFolder, python, runPython, startRealServer } from "./python.ts";

/*
 * The same requests to a real Prefect server and to ours: every answer has the same status and the same shape. The script of 187 steps; requests that are
 * made up from the contract are compared in `generated.test.ts`.
 */
const TIMEOUT_MS = 300_000;
const isReady = existsSync(python);

/** What differs on purpose: the beginning of the step, and why. */
const EXPLAINED: readonly (readonly [step: string, why: string])[] = [
  ["GET /flow_runs/{fr}/graph    ", "the real server fails with 500 on this graph; ours answers it"],
  [
    "GET /collections/views/aggregate-worker-metadata",
    "ours lists the kinds of workers that come with Prefect itself, not those of packages that it fetches from the internet",
  ],
];

let folder: string;
let output = "";

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sluice-differential-"));
  if (!isReady) return;
  mkdirSync(join(folder, "real"));
  const real = await startRealServer(join(folder, "real"));
  const ours = await startServer({ port: 0, home: join(folder, "ours") });
  const args = [join(contractFolder, "diff_servers.py"), "--a", real.apiUrl, "--b", ours.apiUrl];
  ({ output } = await runPython(args, { cwd: folder, timeoutMs: TIMEOUT_MS }));
  await ours.close();
  await real.close();
}, TIMEOUT_MS);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.skipIf(!isReady)("the script's answers are those of the real server, but for what is explained", () => {
  const differences = output.split("\n").filter((line) => line.startsWith("DIFF"));
  const unexplained = differences.filter((line) => !EXPLAINED.some(([step]) => line.includes(step)));
  expect(unexplained, output).toEqual([]);
  expect(output).toMatch(new RegExp(`^${187 - differences.length} same, ${differences.length} different$`, "m"));
});
