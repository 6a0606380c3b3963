import { piscinaCase } from "../peers/node/piscina-case.ts";
import { prefectCase } from "../peers/prefect/prefect-case.ts";
import type { Bench, BenchCase, Sample, Scale } from "../sample.ts";
import { spinScale } from "../spin-scale.ts";
import { calibrateSpin } from "../spin.ts";
import { startStopwatch } from "../stopwatch.ts";
import { untilSubflowsRecorded } from "../store.ts";

/** CPU-bound subflows: one after the other, on threads, on processes; the ratio comes from one process. */
export const cpu: Bench = {
  name: "cpu",
  about: "8 CPU-bound subflows of half a second: sequential, on 2 threads, on 2 processes",
  cases: (scale) => [sluiceCase(scale), piscinaCase(scale), prefectCase("cpu", scale)],
};

function sluiceCase(scale: Scale): BenchCase {
  return { id: "sluice", timeoutSeconds: 180, measure: () => measure(scale) };
}

async function measure(scale: Scale): Promise<readonly Sample[]> {
  const { ProcessPoolTaskRunner, ThreadPoolTaskRunner } = await import("sluice");
  const { spinSequentially, spinSubmitted } = await import("../flows/spinning.ts");
  const { jobs, seconds, workers } = spinScale(scale);
  const portions = calibrateSpin(seconds);
  await untilSubflowsRecorded(await spinSequentially(1, 1), 1); // brings home and store up

  const run = async (name: string, spinAll: typeof spinSequentially): Promise<Sample> => {
    const watch = startStopwatch();
    const flowRunId = await spinAll(jobs, portions);
    const sample = watch.sample(name, jobs);
    await untilSubflowsRecorded(flowRunId, jobs);
    return sample;
  };
  const onThreads = spinSubmitted.with({ taskRunner: new ThreadPoolTaskRunner({ maxWorkers: workers }) });
  const onProcesses = spinSubmitted.with({ taskRunner: new ProcessPoolTaskRunner({ maxWorkers: workers }) });

  // Sequential before and after, because the machine's speed drifts; the ratio is to their mean.
  const before = await run("cpu/sequential", spinSequentially);
  const parallel = [
    await run("cpu/threads-cold", onThreads),
    await run("cpu/threads", onThreads),
    await run("cpu/processes-cold", onProcesses),
    await run("cpu/processes", onProcesses),
  ];
  const after = await run("cpu/sequential", spinSequentially);
  const sequentialSeconds = (before.seconds + after.seconds) / 2;
  return [before, after, ...parallel.map((sample) => withSpeedup(sample, sequentialSeconds))];
}

function withSpeedup(sample: Sample, sequentialSeconds: number): Sample {
  return { ...sample, speedup: sequentialSeconds / sample.seconds };
}
