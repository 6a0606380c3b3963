import { prefectCase } from "../peers/prefect/prefect-case.ts";
import type { Bench, BenchCase, Sample } from "../sample.ts";
import { startStopwatch } from "../stopwatch.ts";

const WORKERS = 2;
const RUNNER_KINDS = ["concurrent", "thread", "process"] as const;

/** Submitted no-op tasks per task runner, warm: one at a time, and all at once. Until the end is known here, which is after the store has it. */
export const runner: Bench = {
  name: "runner",
  about: "round trip and throughput of each task runner",
  cases: (scale) => [
    ...RUNNER_KINDS.map((kind) =>
      runnerCase(kind, scale === "full" ? { trips: 500, burst: 2000 } : { trips: 10, burst: 50 }),
    ),
    prefectCase("runner", scale),
  ],
};

function runnerCase(
  kind: (typeof RUNNER_KINDS)[number],
  n: { readonly trips: number; readonly burst: number },
): BenchCase {
  return { id: kind, timeoutSeconds: 120, measure: () => measure(kind, n) };
}

async function measure(
  kind: (typeof RUNNER_KINDS)[number],
  n: { readonly trips: number; readonly burst: number },
): Promise<readonly Sample[]> {
  const { ConcurrentTaskRunner, ProcessPoolTaskRunner, ThreadPoolTaskRunner } = await import("sluice");
  const { fanOutTasks, roundTrips } = await import("../flows/noop.ts");
  const taskRunner = {
    concurrent: () => new ConcurrentTaskRunner(),
    thread: () => new ThreadPoolTaskRunner({ maxWorkers: WORKERS }),
    process: () => new ProcessPoolTaskRunner({ maxWorkers: WORKERS }),
  }[kind]();
  const trips = roundTrips.with({ taskRunner });
  const burst = fanOutTasks.with({ taskRunner });
  await burst(n.burst);
  await trips(n.trips);

  const tripWatch = startStopwatch();
  await trips(n.trips);
  const tripSample = tripWatch.sample(`runner/${kind}-round-trip`, n.trips);
  const burstWatch = startStopwatch();
  await burst(n.burst);
  return [tripSample, burstWatch.sample(`runner/${kind}-throughput`, n.burst)];
}
