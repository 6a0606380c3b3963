import { existsSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { crc32 } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { nodeProcesses, until } from "./dask-processes.ts";
import { Bench, endOf } from "./program.ts";

/*
 * The same flows on a real Ray cluster, which each program starts on this machine.
 */
const python = fileURLToPath(new URL("../../.venv/ray/bin/python", import.meta.url));
const squares = (n: number): number[] => Array.from({ length: n }, (_, i) => i * i);

describe.skipIf(!existsSync(python))("on a Ray cluster", { timeout: 120_000 }, () => {
  let bench: Bench;
  beforeEach(() => {
    bench = new Bench("", { name: "ray", python });
  });
  afterEach(() => bench.remove());

  test("subflows run in parallel on its workers, and submit their tasks to it", async () => {
    expect(await bench.valueOf("master", [5, 8, 3])).toEqual([squares(5), squares(8), squares(3)]);
    const runs = await bench.list("flow-run");
    expect(runs.map(({ state_type }) => state_type)).toEqual(["COMPLETED", "COMPLETED", "COMPLETED", "COMPLETED"]);
    const subflows = new Set(runs.filter(({ parent_task_run_id }) => parent_task_run_id !== null).map(({ id }) => id));
    const heavy = (await bench.list("task-run")).filter(({ name }) => name.startsWith("heavy"));
    expect(heavy).toHaveLength(16);
    expect(
      heavy.every(({ flow_run_id, state_type }) => state_type === "COMPLETED" && subflows.has(flow_run_id ?? "")),
    ).toBe(true);
  });

  test("Python's functions, large values and errors are as on Dask", async () => {
    expect(await bench.valueOf("python")).toMatchObject({
      root: 12,
      checksum: crc32(Buffer.alloc(3 * 1024 * 1024, 7)),
      compressed: true,
      error: ["builtins.ValueError", expect.any(String), true],
    });
    expect(await bench.valueOf("large")).toEqual([[8_388_608, 7, [1000, 8_388_608]], 8_388_608, 7]);
    expect(await bench.valueOf("fails")).toMatchObject({
      isRange: true,
      cause: "TypeError: the cause",
      stack: expect.stringMatching(/flows\.fixture\.ts:\d+:\d+/),
    });
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

  test("a cancelled subflow ends with the task that it waits for", async () => {
    const ended = endOf(bench.start("cancels"));
    await until("the endless task", () => bench.marks().some(({ what }) => what === "endless"));
    writeFileSync(`${bench.marksFile}.stop`, "");
    expect((await ended).stdout).toContain('["CANCELLED","not needed any more"]');
    const endless = (await bench.list("task-run")).filter(({ name }) => name.startsWith("endless"));
    expect(endless.map(({ state_type }) => state_type)).toEqual(["CANCELLED"]);
  });

  test("nothing is lost, or left behind, when a Node process or the program is killed", async () => {
    const durable = bench.run("durable");
    await until("a step", () => bench.marks().some(({ what }) => what === "step 11"));
    process.kill(bench.marks().find(({ what }) => what === "step 11")?.pid ?? 0, "SIGKILL");
    const { code, stdout, stderr } = await durable;
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toEqual([
      [534, 1854, 3974, 6894],
      [-1, -2, -3, -4, -5, -6],
    ]);
    const program = bench.start("waits");
    await until("the endless task", () => bench.marks().some(({ what }) => what === "endless"));
    const busy = bench.marks().find(({ what }) => what === "endless")?.pid ?? 0;
    program.kill("SIGKILL");
    await until("the end of its processes", () => !nodeProcesses().includes(busy));
    await until("the end of its runs", async () => {
      const runs = [...(await bench.list("flow-run")), ...(await bench.list("task-run"))];
      return runs.every(({ state_type }) => ["COMPLETED", "CRASHED"].includes(state_type));
    });
  });
});
