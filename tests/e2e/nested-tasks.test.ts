import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";

/*
 * Tasks that start more tasks on the runner they run on, through plain functions, and wait for them: the shape of PrefectHQ/prefect#17060, which waits for
 * ever on a pool that is smaller than the number of parents.
 */
const checkout = fileURLToPath(new URL("../../", import.meta.url));
const TIMEOUT_MS = 60_000;

let home: string;
/** Scripts stand inside the checkout, where `sluice` is found. */
let folder: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "sluice-nested-"));
  folder = mkdtempSync(join(checkout, "tests/e2e/.scripts-"));
});
afterEach(() => {
  rmSync(home, { recursive: true, force: true });
  rmSync(folder, { recursive: true, force: true });
});

const PROGRAM = (runner: string, maxWorkers: number): string => `
import { flow, gather, ${runner}, task } from "sluice";

export const leaf = task("leaf", (n: number): number => n);

/** No task: what it starts belongs to the task that calls it. */
async function spawnLeaves(n: number): Promise<number> {
  const values = await gather(leaf.map([n, n, n, n, n]));
  return values.reduce((sum, value) => sum + value, 0);
}

export const parent = task("parent", async (n: number): Promise<number> => (await spawnLeaves(n)) + (await spawnLeaves(n)));

const main = flow("main", { taskRunner: new ${runner}({ maxWorkers: ${maxWorkers} }) }, async (): Promise<number[]> =>
  gather(parent.map([1, 2, 3, 4, 5, 6])),
);

console.log(JSON.stringify(await main()));
`;

test.each([
  ["ThreadPoolTaskRunner", 1],
  ["ThreadPoolTaskRunner", 2],
  ["ProcessPoolTaskRunner", 1],
  ["ProcessPoolTaskRunner", 2],
])("six tasks that start ten others each finish on a %s of %i", { timeout: TIMEOUT_MS }, async (runner, maxWorkers) => {
  const file = join(folder, "nested.ts");
  writeFileSync(file, PROGRAM(runner, maxWorkers));
  const child = spawn(process.execPath, [file], {
    env: { ...process.env, SLUICE_HOME: home },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let stdout = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  await once(child, "close");
  expect({ code: child.exitCode, stdout: stdout.trim().split("\n").at(-1) }).toEqual({
    code: 0,
    stdout: "[10,20,30,40,50,60]",
  });
});
