import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";

/*
 * A subflow that is called, not submitted, is a run of its own each time its parent is executed. When the process of both is killed, and again, what it has finished and kept is still not done twice.
 */
const checkout = fileURLToPath(new URL("../../", import.meta.url));

let home: string;
/** The script stands inside the checkout, where `sluice` is found. */
let folder: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "sluice-called-"));
  folder = mkdtempSync(join(checkout, "tests/e2e/.scripts-"));
});
afterEach(() => {
  rmSync(home, { recursive: true, force: true });
  rmSync(folder, { recursive: true, force: true });
});

const PROGRAM = `
import { appendFileSync, readFileSync } from "node:fs";
import { flow, ProcessPoolTaskRunner, task } from "sluice";

const marks = process.env.TEST_MARKS;

/** Each of the last two steps kills its process when it is run for the first time. */
export const step = task("step", { persistResult: true }, async (n: number): Promise<number> => {
  appendFileSync(marks, n + " ");
  const times = readFileSync(marks, "utf8").split(" ").filter((mark) => mark === String(n)).length;
  if (n > 2 && times === 1) process.kill(process.pid, "SIGKILL");
  return n * n;
});

export const inner = flow("inner", async (name: string): Promise<number> => {
  let sum = 0;
  for (const n of [1, 2, 3, 4]) sum += await step(n);
  return sum;
});
export const middle = flow("middle", async (): Promise<number> => inner("one"));
export const outer = flow("outer", { retries: 2 }, async (): Promise<number> => (await middle()) + 100);

const main = flow("main", { taskRunner: new ProcessPoolTaskRunner({ maxWorkers: 1 }) }, async (): Promise<number> => outer.submit());

console.log(await main());
`;

test(
  "what a called subflow has finished is not done twice, however often its process is killed",
  { timeout: 60_000 },
  async () => {
    const script = join(folder, "program.ts");
    const marks = join(home, "marks");
    writeFileSync(script, PROGRAM);
    writeFileSync(marks, "");
    const env = { ...process.env, SLUICE_HOME: home, TEST_MARKS: marks };
    const child = spawn(process.execPath, [script], { env, stdio: ["ignore", "pipe", "pipe"] });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    await once(child, "close");
    expect(child.exitCode, stderr).toBe(0);
    expect(stdout.trim()).toBe("130");
    expect(readFileSync(marks, "utf8").trim().split(" ")).toEqual(["1", "2", "3", "3", "4", "4"]);
  },
);
