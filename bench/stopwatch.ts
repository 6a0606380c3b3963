import { treeCpuUs, treePeakRssMb } from "./process-tree.ts";
import type { Sample } from "./sample.ts";

/** Wall time and CPU of the whole process tree since `startStopwatch`, readable more than once. */
export interface Stopwatch {
  /** Makes a sample of what has passed so far. */
  sample(name: string, n: number): Sample;
}

/** Starts measuring: the first thing after the warm-up, with nothing between it and the measured work. */
export function startStopwatch(): Stopwatch {
  const cpuAtStart = treeCpuUs();
  const startMs = performance.now();
  return {
    sample(name, n) {
      const seconds = (performance.now() - startMs) / 1000;
      const cpuNow = treeCpuUs();
      const cpuUs = cpuNow === null || cpuAtStart === null ? null : cpuNow - cpuAtStart;
      return { name, n, seconds, cpuUs, peakRssMb: treePeakRssMb() };
    },
  };
}
