import { writeFileSync } from "node:fs";
import { crc32 } from "node:zlib";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { hasDask, nodeProcesses, startDask, until, type DaskProcesses } from "./dask-processes.ts";
import { Bench, endOf, finishedTwice } from "./program.ts";

/*
 * Flows on a real Dask cluster: a scheduler and two workers of one thread each, with their nannies.
 */
const squares = (n: number): number[] => Array.from({ length: n }, (_, i) => i * i);
const countOf = (bench: Bench, what: string): number => bench.marks().filter((mark) => mark.what === what).length;

describe.skipIf(!hasDask)("on a running cluster", { timeout: 120_000 }, () => {
  let dask: DaskProcesses;
  let bench: Bench;

  beforeAll(async () => {
    dask = await startDask(2);
  }, 120_000);
  afterAll(() => dask?.stop());
  beforeEach(() => {
    bench = new Bench(dask.address);
  });
  afterEach(() => bench.remove());

  test("subflows run in parallel on its workers, and submit their tasks to it", async () => {
    expect(await bench.valueOf("master", [10, 20, 5])).toEqual([squares(10), squares(20), squares(5)]);
    const runs = await bench.list("flow-run");
    expect(runs.map(({ state_type }) => state_type)).toEqual(["COMPLETED", "COMPLETED", "COMPLETED", "COMPLETED"]);
    expect(runs.filter(({ parent_task_run_id }) => parent_task_run_id !== null)).toHaveLength(3);
    const tasks = await bench.list("task-run");
    const heavy = tasks.filter(({ name }) => name.startsWith("heavy"));
    expect(heavy).toHaveLength(35);
    expect(heavy.every(({ state_type, tags }) => state_type === "COMPLETED" && tags.includes("heavy"))).toBe(true);
    const subflows = new Set(runs.filter(({ parent_task_run_id }) => parent_task_run_id !== null).map(({ id }) => id));
    expect(heavy.every(({ flow_run_id }) => subflows.has(flow_run_id ?? ""))).toBe(true);
    const workers = new Set(bench.marks().map(({ parent }) => parent));
    expect(workers).toEqual(new Set(dask.workers()));
  });

  test("subflows that wait for subflows finish at any depth", async () => {
    expect(await bench.valueOf("deep", 4)).toBe(16);
  });

  test("an error comes back as its class, with its cause, and names the user's file and line", async () => {
    expect(await bench.valueOf("fails")).toEqual({
      isRange: true,
      message: "no 1",
      cause: "TypeError: the cause",
      stack: expect.stringMatching(/flows\.fixture\.ts:\d+:\d+/),
    });
  });

  test("what is logged on a node, and printed by a flow there, is in the run's log", async () => {
    await bench.valueOf("master", [2]);
    await bench.valueOf("logged");
    const [sub] = await bench.list("flow-run", "--flow", "subflow");
    expect(await bench.sluice("flow-run", "logs", sub?.id ?? "")).toContain("mapping over 2");
    const [logged] = await bench.list("flow-run", "--flow", "logged");
    expect(await bench.sluice("flow-run", "logs", logged?.id ?? "")).toContain("from the node");
  });

  test("priorities and workers of a run are honoured", async () => {
    expect(await bench.valueOf("ordered")).toEqual(["high", "middle", "low"]);
  });

  test("task runs of a tag with a limit of 1 run one after the other", async () => {
    await bench.sluice("concurrency-limit", "create", "db", "1");
    expect(await bench.valueOf("queries")).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    const marks = bench.marks().map(({ what }) => what);
    expect(marks).toHaveLength(12);
    for (const [index, what] of marks.entries())
      if (what.startsWith("begin")) expect(marks[index + 1]).toBe(what.replace("begin", "end"));
    const queries = (await bench.list("task-run")).filter(({ name }) => name.startsWith("query"));
    expect(queries.map(({ state_type }) => state_type)).toEqual(Array.from({ length: 6 }, () => "COMPLETED"));
  });

  test("a large value is used where it was made, and fetched when it is wanted", async () => {
    expect(await bench.valueOf("large")).toEqual([[8_388_608, 7, [1000, 8_388_608]], 8_388_608, 7]);
  });

  test("Python's functions are called in the workers' own Python", async () => {
    expect(await bench.valueOf("python")).toEqual({
      root: 12,
      checksum: crc32(Buffer.alloc(3 * 1024 * 1024, 7)),
      compressed: true,
      upper: ["A", "B"],
      error: ["builtins.ValueError", expect.stringMatching(/math domain error|expected a nonnegative/), true],
    });
    const tasks = await bench.list("task-run");
    const states = tasks
      .filter(({ name }) => /^(?:sqrt|crc32|compress|str\.upper)/.test(name))
      .map(({ state_type }) => state_type);
    expect(states.toSorted()).toEqual(["COMPLETED", "COMPLETED", "COMPLETED", "COMPLETED", "COMPLETED", "FAILED"]);
  });

  test("a run that kills each worker it is on is Crashed, with Dask's reason", async () => {
    expect(await bench.valueOf("killing")).toEqual(["CRASHED", expect.stringMatching(/KilledWorker/)]);
    expect(countOf(bench, "kills-worker")).toBeGreaterThan(1);
    await until("two workers again", () => dask.workers().length === 2);
  });

  test("a run that asks for what no worker has says so in its log", async () => {
    const ended = endOf(bench.start("starving"));
    await until("a run of the flow", async () => (await bench.list("flow-run", "--flow", "starving")).length === 1);
    const [run] = await bench.list("flow-run", "--flow", "starving");
    await until("the warning", async () =>
      /No worker of the cluster has the resources/.test(await bench.sluice("flow-run", "logs", run?.id ?? "")),
    );
    writeFileSync(`${bench.marksFile}.stop`, "");
    expect((await ended).stdout).toContain('"CANCELLED"');
  });

  test("a cancelled subflow ends with the task that it waits for, and its slot is free", async () => {
    const program = bench.start("cancels");
    const ended = endOf(program);
    await until("the endless task", () => countOf(bench, "endless") === 1);
    writeFileSync(`${bench.marksFile}.stop`, "");
    expect((await ended).stdout).toContain('["CANCELLED","not needed any more"]');
    expect(await bench.valueOf("master", [3])).toEqual([squares(3)]);
    const states = (await bench.list("task-run")).filter(({ name }) => name.startsWith("endless"));
    expect(states.map(({ state_type }) => state_type)).toEqual(["CANCELLED"]);
  });

  test("a program that is killed takes all that it had on the cluster with it", async () => {
    const program = bench.start("waits");
    await until("the endless task", () => countOf(bench, "endless") === 1);
    const { pid: busy } = bench.marks().find(({ what }) => what === "endless") ?? { pid: 0 };
    expect(nodeProcesses()).toContain(busy);
    program.kill("SIGKILL");
    await until("the end of its processes", () => !nodeProcesses().includes(busy));
    await until("the end of its runs", async () => {
      const runs = [...(await bench.list("flow-run")), ...(await bench.list("task-run"))];
      return runs.length > 0 && runs.every(({ state_type }) => state_type === "CRASHED");
    });
  });

  test.each([
    ["the process that holds a run", "step 12", (mark: { pid: number; parent: number }) => mark.pid],
    ["the Dask worker that holds a run", "step 21", (mark: { pid: number; parent: number }) => mark.parent],
  ])("nothing is lost, or done twice, when %s is killed", async (_, during, victim) => {
    const ended = bench.run("durable");
    await until(during, () => countOf(bench, during) === 1);
    const mark = bench.marks().find(({ what }) => what === during);
    process.kill(victim(mark ?? { pid: 0, parent: 0 }), "SIGKILL");
    const { code, stdout, stderr } = await ended;
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toEqual([
      [534, 1854, 3974, 6894],
      [-1, -2, -3, -4, -5, -6],
    ]);
    expect(finishedTwice(bench)).toEqual([]);
    const runs = [...(await bench.list("flow-run")), ...(await bench.list("task-run"))];
    expect(runs.filter(({ state_type }) => !["COMPLETED", "CRASHED"].includes(state_type))).toEqual([]);
    await until("two workers again", () => dask.workers().length === 2);
  });
});

describe.skipIf(!hasDask)("a cluster whose scheduler dies", { timeout: 120_000 }, () => {
  test("ends its runs as crashed, soon, and leaves no process at work", async () => {
    const dask = await startDask(1);
    const bench = new Bench(dask.address);
    try {
      const ended = bench.run("waits");
      await until("the endless task", () => countOf(bench, "endless") === 1);
      const { pid: busy } = bench.marks().find(({ what }) => what === "endless") ?? { pid: 0 };
      process.kill(dask.scheduler, "SIGKILL");
      const { code, stderr } = await ended;
      expect(code).toBe(1);
      expect(stderr).toMatch(/SLUICE_CLUSTER_UNREACHABLE|connection to the Dask scheduler/);
      const runs = [...(await bench.list("flow-run")), ...(await bench.list("task-run"))];
      expect(runs.filter(({ state_type }) => !["FAILED", "CRASHED"].includes(state_type))).toEqual([]);
      await dask.stop();
      await until("the end of the body", () => !nodeProcesses().includes(busy));
    } finally {
      bench.remove();
      await dask.stop();
    }
  });
});

describe.skipIf(!hasDask)("on a temporary cluster", { timeout: 120_000 }, () => {
  test("a flow and its subflows share one, which ends with the program", async () => {
    const bench = new Bench("");
    try {
      const { code, stdout, stderr } = await bench.run("master", [4, 4, 4]);
      expect(code, stderr).toBe(0);
      expect(JSON.parse(stdout)).toEqual([squares(4), squares(4), squares(4)]);
      const [root] = await bench.list("flow-run", "--flow", "master");
      expect(await bench.sluice("flow-run", "logs", root?.id ?? "")).toMatch(/dashboard is available at http:/);
      expect(await bench.sluice("artifact", "ls", "--output", "json")).toMatch(/dask-dashboard/);
      const workers = new Set(bench.marks().map(({ parent }) => parent));
      expect(workers.size).toBeLessThanOrEqual(2);
      expect(nodeProcesses().filter((pid) => bench.marks().some((mark) => mark.pid === pid))).toEqual([]);
    } finally {
      bench.remove();
    }
  });
});
