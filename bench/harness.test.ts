import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { runCase } from "./case-runner.ts";
import { currentVersions, joinRepeats } from "./lines.ts";
import { treeCpuUs } from "./process-tree.ts";
import type { Sample } from "./sample.ts";
import { calibrateSpin, spin } from "./spin.ts";

const RUN = fileURLToPath(new URL("./run.ts", import.meta.url));
const PROCESS_TIMEOUT_MS = 120_000;

function runBench(...args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [RUN, ...args], { encoding: "utf8", timeout: PROCESS_TIMEOUT_MS });
}

function sample(changes: Partial<Sample>): Sample {
  return { name: "tasks/recorded", n: 10, seconds: 1, cpuUs: 100, peakRssMb: 50, ...changes };
}

test("a small run prints one JSON object a line, with every field", { timeout: PROCESS_TIMEOUT_MS }, () => {
  const { status, stdout, stderr } = runBench("tasks", "--case", "stream-100", "--small", "--json");
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  const lines = stdout
    .trim()
    .split("\n")
    .map((line): unknown => JSON.parse(line));
  expect(lines).toHaveLength(2);
  for (const [index, name] of ["tasks/returned", "tasks/recorded"].entries()) {
    expect(lines[index]).toMatchObject({
      name,
      n: 100,
      seconds: expect.any(Number),
      per_item_us: expect.any(Number),
      peak_rss_mb: expect.any(Number),
      repeats: 1,
      versions: { node: process.versions.node, sluice: expect.any(String), platform: expect.any(String) },
    });
  }
});

test("subflows on processes are measured until the store shows all of them", { timeout: PROCESS_TIMEOUT_MS }, () => {
  const { status, stdout, stderr } = runBench("subflows", "--case", "process", "--small", "--json");
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(JSON.parse(stdout)).toMatchObject({ name: "subflows/process", n: 20 });
});

test("what 100 writers were answered can be read", { timeout: PROCESS_TIMEOUT_MS }, () => {
  const { status, stdout, stderr } = runBench("server", "--case", "sluice-writers", "--small", "--json");
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(JSON.parse(stdout)).toMatchObject({ name: "server/writers", n: 400, server_errors: 0 });
});

test("without --json a run prints a table", { timeout: PROCESS_TIMEOUT_MS }, () => {
  const { status, stdout } = runBench("cold", "--case", "bare-node", "--small");
  expect(status).toBe(0);
  expect(stdout).toMatch(/^case +n +seconds \[min-max\]/);
  expect(stdout).toMatch(/^cold\/bare-node \(node [\d.]+\) +1 +[\d.]+/m);
});

test("an unknown bench is refused with the names there are", () => {
  const { status, stderr } = runBench("speed");
  expect(status).toBe(1);
  expect(stderr).toContain(
    'There is no bench named "speed". Use one of: tasks, subflows, cpu, cold, runner, server, dask, ray.',
  );
});

test("a case that takes too long is ended and named", async () => {
  const slow = { id: "process-worker", timeoutSeconds: 0.01, measure: () => Promise.resolve([]) };
  await expect(runCase("cold", slow, "small")).rejects.toThrow("Not finished after 0.01 s");
});

test("a case that fails tells what it printed", { timeout: PROCESS_TIMEOUT_MS }, async () => {
  const missing = { id: "no-such-case", timeoutSeconds: 60, measure: () => Promise.resolve([]) };
  await expect(runCase("cold", missing, "small")).rejects.toThrow('Bench "cold" has no case "no-such-case"');
});

test("repeats of a name and n become one line with median, minimum and maximum", () => {
  const samples = [3, 1, 2].map((seconds) => sample({ seconds, cpuUs: seconds * 100, speedup: seconds }));
  const lines = joinRepeats([...samples, sample({ n: 20 })], currentVersions());
  expect(lines).toMatchObject([
    {
      n: 10,
      seconds: 2,
      seconds_min: 1,
      seconds_max: 3,
      per_item_us: 200_000,
      cpu_us_per_item: 20,
      speedup: 2,
      repeats: 3,
    },
    { n: 20, seconds: 1, repeats: 1 },
  ]);
});

test("a peer's figures stand in lines of their own", () => {
  const lines = joinRepeats([sample({}), sample({ peer: "prefect 3.8.8" })], currentVersions());
  expect(lines.map((line) => line.peer)).toEqual([undefined, "prefect 3.8.8"]);
});

test("a peer's ratio is in its line, with its spread", () => {
  const samples = [0.5, 0.7, 0.6].map((ratio) => sample({ peer: "dask 2026.8.0", ratio }));
  expect(joinRepeats(samples, currentVersions())).toMatchObject([{ ratio: 0.6, ratio_min: 0.5, ratio_max: 0.7 }]);
});

test.runIf(process.platform === "linux")(
  "the CPU of children counts, while they live and after their end",
  async () => {
    const before = treeCpuUs() ?? 0;
    const program =
      "const end = performance.now() + 300; while (performance.now() < end); process.stdout.write('spun'); process.stdin.resume()";
    const child = spawn(process.execPath, ["--eval", program], { stdio: ["pipe", "pipe", "inherit"] });
    await once(child.stdout, "data");
    const alive = treeCpuUs() ?? 0;
    child.stdin.end();
    await once(child, "exit");
    const ended = treeCpuUs() ?? 0;
    expect(alive - before).toBeGreaterThan(50_000);
    expect(ended).toBeGreaterThanOrEqual(alive);
  },
);

test("the CPU work depends on every step, and there is at least one portion", () => {
  expect(spin(1, 2)).toBe(spin(spin(1, 1), 1));
  expect(calibrateSpin(0)).toBe(1);
});
