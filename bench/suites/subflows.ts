import { prefectCase } from "../peers/prefect/prefect-case.ts";
import type { Bench, BenchCase, Sample } from "../sample.ts";
import { startStopwatch } from "../stopwatch.ts";
import { untilSubflowsRecorded } from "../store.ts";

const WORKERS = 2;
/** Subflows that start the workers and bring the code to speed, uncounted. */
const WARM_UP_SUBFLOWS = 500;

/** No-op subflows, until every one of them is readable as COMPLETED in the store; workers are warm. */
export const subflows: Bench = {
  name: "subflows",
  about: "no-op subflows, in this process, on threads, on processes",
  cases: (scale) => [
    subflowCase("inline", scale === "full" ? 4000 : 20),
    subflowCase("thread", scale === "full" ? 500 : 20),
    subflowCase("process", scale === "full" ? 500 : 20),
    prefectCase("subflows", scale),
  ],
};

function subflowCase(id: "inline" | "thread" | "process", n: number): BenchCase {
  return { id, timeoutSeconds: 120, measure: () => measure(id, n) };
}

async function measure(id: "inline" | "thread" | "process", n: number): Promise<readonly Sample[]> {
  const { ProcessPoolTaskRunner, ThreadPoolTaskRunner } = await import("sluice");
  const { callSubflows, submitSubflows } = await import("../flows/noop.ts");
  const parent = {
    inline: () => callSubflows,
    thread: () => submitSubflows.with({ taskRunner: new ThreadPoolTaskRunner({ maxWorkers: WORKERS }) }),
    process: () => submitSubflows.with({ taskRunner: new ProcessPoolTaskRunner({ maxWorkers: WORKERS }) }),
  }[id]();
  await untilSubflowsRecorded(await parent(WARM_UP_SUBFLOWS), WARM_UP_SUBFLOWS);
  const watch = startStopwatch();
  const flowRunId = await parent(n);
  await untilSubflowsRecorded(flowRunId, n);
  return [watch.sample(`subflows/${id}`, n)];
}
