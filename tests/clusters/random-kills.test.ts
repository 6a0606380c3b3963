import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { setTimeout as delay } from "node:timers/promises";
import { childrenOf, hasDask, nodeProcesses, startDask, until, type DaskProcesses } from "./dask-processes.ts";
import { Bench, endOf, finishedTwice } from "./program.ts";

/*
 * A flow with subflows, whose steps are kept, and loose tasks; somewhere in its course one process is killed: a Dask worker, a Node process on one, or the program itself.
 * `RANDOM_KILLS=50` for more of them, `RANDOM_SEED` to repeat a course.
 */
const KILLS = Number(process.env["RANDOM_KILLS"] ?? 6);
const seed = Number(process.env["RANDOM_SEED"] ?? Date.now() % 1_000_000);
/** How long the flow takes undisturbed, about. */
const COURSE_MS = 2_500;
const VALUE = [
  [534, 1854, 3974, 6894],
  [-1, -2, -3, -4, -5, -6],
];

/** Mulberry32: the same numbers for the same seed. */
function randoms(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe.skipIf(!hasDask)(`whatever is killed (seed ${seed})`, { timeout: 120_000 }, () => {
  let dask: DaskProcesses;
  beforeAll(async () => {
    dask = await startDask(2);
  }, 120_000);
  afterAll(() => dask?.stop());

  const random = randoms(seed);
  const courses = Array.from({ length: KILLS }, (_, index) => ({
    index,
    atMs: Math.round(300 + random() * COURSE_MS),
    victim: ["a Dask worker", "a Node process", "the program"][Math.floor(random() * 3)] ?? "",
    choice: random(),
  }));

  test.each(courses)("run $index: $victim at $atMs ms", async ({ atMs, victim, choice }) => {
    await until("two workers", () => dask.workers().length === 2);
    const bench = new Bench(dask.address);
    try {
      const program = bench.start("durable");
      const ended = endOf(program);
      await delay(atMs);
      const candidates =
        victim === "a Dask worker"
          ? dask.workers()
          : victim === "a Node process"
            ? dask.workers().flatMap((worker) => childrenOf(worker).filter((id) => nodeProcesses().includes(id)))
            : [program.pid ?? 0];
      const pid = candidates[Math.floor(choice * candidates.length)];
      if (pid !== undefined && program.exitCode === null) process.kill(pid, "SIGKILL");
      const { stdout, stderr } = await ended;
      const isKilled = program.signalCode === "SIGKILL";
      if (!isKilled) expect(JSON.parse(stdout || "null"), stderr).toEqual(VALUE);
      expect(finishedTwice(bench)).toEqual([]);
      await until("the end of all runs", async () => {
        const runs = [...(await bench.list("flow-run")), ...(await bench.list("task-run"))];
        return runs.every(({ state_type }) => ["COMPLETED", "CRASHED"].includes(state_type));
      });
      // Warm processes may stay for a while; of a program that is gone, none is at work.
      if (isKilled) {
        const known = bench.marks().length;
        await delay(500);
        expect(bench.marks().slice(known)).toEqual([]);
      }
    } finally {
      bench.remove();
    }
  });
});
