import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { endOf, type ListedRun } from "../clusters/program.ts";

/*
 * One flow on every runner: what users see of a run does not depend on where it runs.
 */
const program = fileURLToPath(new URL("./conformance.fixture.ts", import.meta.url));
const cli = fileURLToPath(new URL("../../packages/sluice/bin/sluice.js", import.meta.url));
const pythonOf = (name: string): string => fileURLToPath(new URL(`../../.venv/${name}/bin/python`, import.meta.url));

const runners = [
  { name: "concurrent", python: "" },
  { name: "thread", python: "" },
  { name: "process", python: "" },
  { name: "dask", python: pythonOf("dask") },
  { name: "ray", python: pythonOf("ray") },
];

let home = "";
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "sluice-conformance-"));
});
afterEach(() => rmSync(home, { recursive: true, force: true, maxRetries: 5 }));

function start(...args: readonly string[]) {
  const env = { ...process.env, SLUICE_HOME: home };
  return endOf(spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "pipe"] }));
}

async function list(noun: string): Promise<readonly ListedRun[]> {
  const { stdout } = await start(cli, noun, "ls", "--limit", "200", "--output", "json");
  return JSON.parse(stdout) as ListedRun[];
}

describe.each(runners)("on $name", ({ name, python }) => {
  test.skipIf(python !== "" && !existsSync(python))(
    "a flow is what it is elsewhere",
    { timeout: 120_000 },
    async () => {
      const { code, stdout, stderr } = await start(program, name, home, python);
      expect(code, stderr).toBe(0);
      expect(JSON.parse(stdout.trim().split("\n").at(-1) ?? "")).toEqual({
        values: [11, 22, 33],
        futures: 15,
        error: "no, TypeError: the cause",
        states: [
          ["CANCELLED", "Cancelled", "not needed"],
          ["FAILED", "TimedOut", "Task run exceeded timeout of 0.3 second(s)"],
          ["FAILED", "Failed", "Flow run encountered an exception: RangeError: in a flow"],
        ],
        retried: [3, 3],
        cached: [1, 1],
        large: [3_000_000, 7],
        order: [10, 4000],
        tree: [4, 4],
        crashed: "CRASHED",
      });
      const flows = await list("flow-run");
      const root = flows.find(({ parent_task_run_id }) => parent_task_run_id === null);
      expect(
        flows.filter(({ name: run, parent_task_run_id }) => run !== root?.name && parent_task_run_id !== null),
      ).toHaveLength(flows.length - 1);
      // Two trees of seven flows, a failing one, and the root.
      expect(flows).toHaveLength(16);
      const tasks = await list("task-run");
      const ofRoot = tasks.filter(({ flow_run_id }) => flow_run_id === root?.id);
      const stateOf = (task: string) => ofRoot.find(({ name: run }) => run.startsWith(`${task}-`))?.state_name;
      expect([stateOf("waits"), stateOf("slow"), stateOf("fail"), stateOf("flaky")]).toEqual([
        "Cancelled",
        "TimedOut",
        "Failed",
        "Completed",
      ]);
      expect(
        ofRoot
          .filter(({ name: run }) => run.startsWith("cached-"))
          .map((run) => run.state_name)
          .toSorted(),
      ).toEqual(["Cached", "Completed"]);
      expect(
        tasks.every(({ state_type }) => ["COMPLETED", "FAILED", "CANCELLED", "CRASHED"].includes(state_type)),
      ).toBe(true);
      const { stdout: log } = await start(cli, "flow-run", "logs", root?.id ?? "");
      expect(log).toContain(`logged on ${name}`);
    },
  );
});
