import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";

/*
 * Several programs on one home, as several terminals would: real processes, real flows, the command line to look at what is stored.
 */
const checkout = fileURLToPath(new URL("../../", import.meta.url));
const cli = join(checkout, "packages/sluice/bin/sluice.js");

let home: string;
/** Scripts stand inside the checkout, where `sluice` is found. */
let folder: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "sluice-e2e-"));
  folder = mkdtempSync(join(checkout, "tests/e2e/.scripts-"));
});
afterEach(() => {
  rmSync(home, { recursive: true, force: true });
  rmSync(folder, { recursive: true, force: true });
});

function script(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

function start(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, args, {
    env: { ...process.env, SLUICE_HOME: home },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

async function outputOf(child: ChildProcess): Promise<{ code: number | null; stdout: string; stderr: string }> {
  let stdout = "";
  let stderr = "";
  child.stdout?.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  await once(child, "close");
  return { code: child.exitCode, stdout, stderr };
}

interface ListedRun {
  readonly id: string;
  readonly name: string;
  readonly state_type: string;
  readonly parent_task_run_id: string | null;
}

async function listRuns(...options: readonly string[]): Promise<readonly ListedRun[]> {
  const { stdout } = await outputOf(start([cli, "flow-run", "ls", "--limit", "200", "--output", "json", ...options]));
  return JSON.parse(stdout) as ListedRun[];
}

test("ten programs at once record all their runs, without an error", async () => {
  const file = script(
    "terminal.ts",
    `import { flow, gather, task } from "sluice";
     const square = task("square", (n: number) => n * n);
     const part = flow("part", async (n: number) => gather(square.map([n, n + 1, n + 2])));
     const terminal = flow("terminal", async () => gather(part.map([1, 2, 3, 4, 5])));
     await terminal();`,
  );
  const ends = await Promise.all(Array.from({ length: 10 }, () => outputOf(start([file]))));
  expect(ends.map(({ code, stderr }) => ({ code, stderr }))).toEqual(ends.map(() => ({ code: 0, stderr: "" })));
  const roots = await listRuns("--flow", "terminal");
  const parts = await listRuns("--flow", "part");
  expect(roots.map((run) => run.state_type)).toEqual(Array.from({ length: 10 }, () => "COMPLETED"));
  expect(parts).toHaveLength(50);
  expect(parts.every((run) => run.state_type === "COMPLETED" && run.parent_task_run_id !== null)).toBe(true);
});

test("runs of a program that was killed are Crashed when the home is next used", async () => {
  const file = script(
    "killed.ts",
    `import { flow, ProcessPoolTaskRunner } from "sluice";
     export const busy = flow("busy", () => { console.log("busy"); for (;;); });
     export const parent = flow("parent", { taskRunner: new ProcessPoolTaskRunner({ maxWorkers: 1 }) }, async () => busy.submit());
     await parent();`,
  );
  const child = start([file]);
  const { promise: isBusy, resolve } = Promise.withResolvers<void>();
  child.stdout?.on("data", () => resolve());
  await isBusy;
  // Announced within its first flush; then nothing of it is left.
  while ((await listRuns("--state", "RUNNING")).length < 2);
  child.kill("SIGKILL");
  await once(child, "close");
  const states = (await listRuns()).map((run) => run.state_type);
  expect(states).toEqual(["CRASHED", "CRASHED"]);
});

test("a subflow that keeps a worker busy is cancelled from another program", async () => {
  const file = script(
    "cancelled.ts",
    `import { flow, ProcessPoolTaskRunner } from "sluice";
     export const busy = flow("busy", { graceMs: 200 }, () => { for (;;); });
     export const parent = flow("parent", { taskRunner: new ProcessPoolTaskRunner({ maxWorkers: 1 }) }, async () => {
       const state = await busy.submit().wait();
       console.log(state.type);
     });
     await parent();`,
  );
  const program = outputOf(start([file]));
  let running: ListedRun | undefined;
  while (running === undefined) [running] = await listRuns("--flow", "busy", "--state", "RUNNING");
  const cancel = await outputOf(start([cli, "flow-run", "cancel", running.id]));
  expect(cancel).toMatchObject({ code: 0, stderr: "" });
  expect(await program).toMatchObject({ code: 0, stdout: "CANCELLED\n" });
  const states = (await listRuns()).map((run) => run.state_type).toSorted();
  expect(states).toEqual(["CANCELLED", "COMPLETED"]);
});
