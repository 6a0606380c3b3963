/**
 * Measures what processes bring: the same slices of work, by the same subflow, first one after another on one process, then on the pool.
 *
 * Both sides are the same but for the number of processes: warmed by slices that do not count, nothing from the cache, and one thread for
 * collecting garbage (which V8 otherwise spreads over all cores, so that "one process" would be more than one). The slices are cut from the
 * installed sources in a fixed order; the sequential side takes them, around and around, until it has worked long enough, and the
 * parallel side gets exactly those. Both sides take turns in rounds, so that a machine that is busy for a while is busy for both.
 */
import { availableParallelism } from "node:os";
import { flow, gather, NO_CACHE, ProcessPoolTaskRunner, task } from "sluice";
import { listFiles, type InstalledPackage } from "./find-packages.ts";
import { dialectOf } from "./measure-file.ts";
import { measureSource } from "./read-source.ts";

/** Small enough that the last slice to end keeps the other processes waiting for a few percent of the time only. */
const SLICE_BYTES = 1_000_000;
/** Slices for each process that do not count: enough for V8 to compile what is hot. */
const WARM_UP_SLICES = 2;
/** Turns that each side takes. */
const ROUNDS = 4;
/** Larger files would make slices of uneven length. */
const MAX_SAMPLE_FILE_BYTES = 250_000;
/** Fewer would hold less than a second of work on a fast machine: the sample would repeat the same files too often. */
const MIN_FILE_BYTES = 200;

const workerCount = Math.max(2, availableParallelism());
/** The workers together keep all cores busy: helpers for each would only take turns. */
const execArgv = ["--single-threaded-gc"];

/** Where the audit and the parallel side of the sample run: a process for each core, two at least. */
export const processes = new ProcessPoolTaskRunner({ maxWorkers: workerCount, execArgv });
const oneProcess = new ProcessPoolTaskRunner({ maxWorkers: 1, execArgv });

/** One side of the comparison. */
export interface Side {
  readonly wallSeconds: number;
  /** Computing time by wall time: less than the number of processes where other programs had the cores. */
  readonly coresUsed: number;
}

/** What was measured. */
export interface SpeedUp {
  readonly workers: number;
  readonly slices: number;
  /** How many of the slices are repetitions, because the sources were too few. */
  readonly repeated: number;
  readonly files: number;
  readonly bytes: number;
  readonly sequential: Side;
  readonly parallel: Side;
  readonly ratio: number;
}

interface Slice {
  readonly number: number;
  readonly paths: readonly string[];
  readonly bytes: number;
}

const measureAfresh = task("measure-afresh", { cachePolicy: NO_CACHE }, measureSource);

interface SliceEnd {
  /** Sum over the files: both sides must find the same. */
  readonly complexity: number;
  /** What the process computed meanwhile, all its threads. */
  readonly cpuMs: number;
}

/** Measures the files of a slice, a task for each. */
const measureSlice = flow("measure-slice", { flowRunName: "slice-{slice.number}" }, async (slice: Slice) => {
  const before = process.cpuUsage();
  let complexity = 0;
  for (const path of slice.paths) complexity += (await measureAfresh(path)).complexity;
  const { user, system } = process.cpuUsage(before);
  return { complexity, cpuMs: (user + system) / 1000 } satisfies SliceEnd;
});

class SideSum {
  wallMs = 0;
  private cpuMs = 0;
  complexity = 0;

  add(wallMs: number, slices: readonly SliceEnd[]): void {
    this.wallMs += wallMs;
    for (const slice of slices) {
      this.cpuMs += slice.cpuMs;
      this.complexity += slice.complexity;
    }
  }

  side(): Side {
    return { wallSeconds: this.wallMs / 1000, coresUsed: this.cpuMs / this.wallMs };
  }
}

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
    const slices = cutSlices(packages);
    const [first] = slices;
    if (first === undefined) return undefined;
    const onOneProcess = measureSlice.with({ taskRunner: oneProcess });
    for (const slice of slices.slice(0, WARM_UP_SLICES)) await onOneProcess.submit(slice);
    const warmUp = Array.from({ length: WARM_UP_SLICES * workerCount }, (_, i) => slices[i % slices.length] ?? first);
    await gather(measureSlice.map(warmUp));

    const sample: Slice[] = [];
    const one = new SideSum();
    const many = new SideSum();
    for (let round = 1; round <= ROUNDS; round++) {
      const taken: Slice[] = [];
      const sequential: SliceEnd[] = [];
      const sequentialStart = performance.now();
      const untilMs = (sampleSeconds * 1000 * round) / ROUNDS;
      // As many for each process, or the last ones to end would find the others idle.
      for (let spentMs = 0; one.wallMs + spentMs < untilMs || taken.length % workerCount !== 0;) {
        const number = sample.length + taken.length;
        const slice = { ...(slices[number % slices.length] ?? first), number };
        sequential.push(await onOneProcess.submit(slice));
        taken.push(slice);
        spentMs = performance.now() - sequentialStart;
      }
      const parallelStart = performance.now();
      const parallel = await gather(measureSlice.map(taken));
      one.add(parallelStart - sequentialStart, sequential);
      many.add(performance.now() - parallelStart, parallel);
      sample.push(...taken);
    }
    if (one.complexity !== many.complexity) throw new Error("the two sides of the sample measured different things");
    return {
      workers: workerCount,
      slices: sample.length,
      repeated: Math.max(0, sample.length - slices.length),
      files: sample.reduce((sum, slice) => sum + slice.paths.length, 0),
      bytes: sample.reduce((sum, slice) => sum + slice.bytes, 0),
      sequential: one.side(),
      parallel: many.side(),
      ratio: one.wallMs / many.wallMs,
    };
  },
);

/** Cuts the sources of all packages, in their order, into slices of about the same size. */
function cutSlices(packages: readonly InstalledPackage[]): readonly Slice[] {
  const slices: Slice[] = [];
  let paths: string[] = [];
  let bytes = 0;
  for (const { directory } of packages) {
    for (const file of listFiles(directory)) {
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
