/**
 * Measures what processes bring: the same slices of work, by the same subflow, first one after another in this process, then on the pool.
 *
 * Both sides are warmed by slices that do not count, so that compilation of the code is part of neither. The slices are cut from the
 * installed sources in a fixed order; the sequential side takes them, around and around, until it has worked long enough, and the
 * parallel side gets exactly those. Both sides take turns in rounds, so that a machine that is busy for a while is busy for both.
 * Nothing comes from the cache.
 */
import { availableParallelism } from "node:os";
import { flow, gather, NO_CACHE, ProcessPoolTaskRunner, task } from "sluice";
import { listFiles, type InstalledPackage } from "./find-packages.ts";
import { dialectOf } from "./measure-file.ts";
import { measureSource } from "./read-source.ts";

/** Small enough that the last slice to end keeps the other processes waiting for a few percent of the time only. */
const SLICE_BYTES = 1_000_000;
/** Turns that each side takes. */
const ROUNDS = 4;
/** Larger files would make slices of uneven length. */
const MAX_SAMPLE_FILE_BYTES = 250_000;
/** Fewer would hold less than a second of work on a fast machine: the sample would repeat the same files too often. */
const MIN_FILE_BYTES = 200;

const workerCount = Math.max(2, availableParallelism());

/** Where the audit and the sample run: a process for each core, two at least. */
export const processes = new ProcessPoolTaskRunner({ maxWorkers: workerCount });

/** What was measured. */
export interface SpeedUp {
  readonly workers: number;
  readonly slices: number;
  /** How many of the slices are repetitions, because the sources were too few. */
  readonly repeated: number;
  readonly files: number;
  readonly bytes: number;
  readonly sequentialSeconds: number;
  readonly parallelSeconds: number;
  readonly ratio: number;
}

interface Slice {
  readonly number: number;
  readonly paths: readonly string[];
  readonly bytes: number;
}

const measureAfresh = task("measure-afresh", { cachePolicy: NO_CACHE }, measureSource);

/** Measures the files of a slice, a task for each; returns the sum of their complexity. */
const measureSlice = flow("measure-slice", { flowRunName: "slice-{slice.number}" }, async (slice: Slice) => {
  let complexity = 0;
  for (const path of slice.paths) complexity += (await measureAfresh(path)).complexity;
  return complexity;
});

/**
 * Compares one process with many.
 *
 * @param sampleSeconds how long the sequential side works at least
 * @returns undefined when there are no sources to take a sample from
 */
export const measureSpeedUp = flow(
  "measure-speed-up",
  { taskRunner: processes },
  async (packages: readonly InstalledPackage[], sampleSeconds: number): Promise<SpeedUp | undefined> => {
    const slices = await cutSlices(packages);
    const [first] = slices;
    if (first === undefined) return undefined;
    await measureSlice({ ...first, number: -1 });
    await gather(measureSlice.map(Array.from({ length: 2 * workerCount }, (_, i) => ({ ...first, number: -2 - i }))));

    const sample: Slice[] = [];
    let sequentialMs = 0;
    let parallelMs = 0;
    for (let round = 1; round <= ROUNDS; round++) {
      const taken: Slice[] = [];
      const sums: number[] = [];
      const sequentialStart = performance.now();
      const untilMs = (sampleSeconds * 1000 * round) / ROUNDS;
      // As many for each process, or the last ones to end would find the others idle.
      for (let spentMs = 0; sequentialMs + spentMs < untilMs || taken.length % workerCount !== 0;) {
        const number = sample.length + taken.length;
        const slice = { ...(slices[number % slices.length] ?? first), number };
        sums.push(await measureSlice(slice));
        taken.push(slice);
        spentMs = performance.now() - sequentialStart;
      }
      const parallelStart = performance.now();
      const parallelSums = await gather(measureSlice.map(taken));
      sequentialMs += parallelStart - sequentialStart;
      parallelMs += performance.now() - parallelStart;
      if (parallelSums.join() !== sums.join()) throw new Error("the two sides of the sample measured different things");
      sample.push(...taken);
    }
    return {
      workers: workerCount,
      slices: sample.length,
      repeated: Math.max(0, sample.length - slices.length),
      files: sample.reduce((sum, slice) => sum + slice.paths.length, 0),
      bytes: sample.reduce((sum, slice) => sum + slice.bytes, 0),
      sequentialSeconds: sequentialMs / 1000,
      parallelSeconds: parallelMs / 1000,
      ratio: sequentialMs / parallelMs,
    };
  },
);

/** Cuts the sources of all packages, in their order, into slices of about the same size. */
async function cutSlices(packages: readonly InstalledPackage[]): Promise<readonly Slice[]> {
  const slices: Slice[] = [];
  let paths: string[] = [];
  let bytes = 0;
  for (const { directory } of packages) {
    for (const file of await listFiles(directory)) {
      if (dialectOf(file.path) === undefined) continue;
      if (file.bytes < MIN_FILE_BYTES || file.bytes > MAX_SAMPLE_FILE_BYTES) continue;
      paths.push(`${directory}/${file.path}`);
      bytes += file.bytes;
      if (bytes < SLICE_BYTES) continue;
      slices.push({ number: slices.length, paths, bytes });
      paths = [];
      bytes = 0;
    }
  }
  if (slices.length === 0 && paths.length > 0) slices.push({ number: 0, paths, bytes });
  return slices;
}
