import { fileURLToPath } from "node:url";
import type { BenchCase, Sample, Scale } from "../../sample.ts";
import { startStopwatch } from "../../stopwatch.ts";
import { calibrateSpin, spin } from "../../spin.ts";
import { spinScale } from "../../spin-scale.ts";

const WORKER = fileURLToPath(new URL("./piscina-worker.ts", import.meta.url));
/** The version of package.json; the samples carry the version that really ran. */
const PEER = "piscina 5.3.2";

/** The CPU-bound jobs on a bare pool of threads: what the machine gives when nothing is tracked. */
export function piscinaCase(scale: Scale): BenchCase {
  return { id: "piscina", peer: PEER, timeoutSeconds: 120, measure: () => measure(scale) };
}

async function measure(scale: Scale): Promise<readonly Sample[]> {
  const { Piscina } = await import("piscina"); // here, so that no other case carries its memory
  const peer = `piscina ${Piscina.version}`;
  const { jobs, seconds, workers } = spinScale(scale);
  const portions = calibrateSpin(seconds);

  const sequentialWatch = startStopwatch();
  for (let seed = 0; seed < jobs; seed++) spin(seed, portions);
  const sequential = { ...sequentialWatch.sample("cpu/sequential", jobs), peer };

  const pool = new Piscina({ filename: WORKER, name: "spinJob", minThreads: workers, maxThreads: workers });
  const runAll = (): Promise<unknown> =>
    Promise.all(Array.from({ length: jobs }, (_, seed) => pool.run({ seed, portions })));
  const samples: Sample[] = [sequential];
  for (const name of ["cpu/threads-cold", "cpu/threads"]) {
    const watch = startStopwatch();
    await runAll();
    const sample = watch.sample(name, jobs);
    samples.push({ ...sample, peer, speedup: sequential.seconds / sample.seconds });
  }
  await pool.destroy();
  return samples;
}
